"""Packs a folder into a zip: sorted, with one time (seconds since 1970) and fixed permissions for all files."""

import os
import sys
import time
import zipfile

folder, archive, epoch = sys.argv[1:]
# The format knows no earlier year.
moment = max(time.gmtime(int(epoch))[:6], (1980, 1, 1, 0, 0, 0))
files = sorted(
    os.path.relpath(os.path.join(above, name), folder).replace(os.sep, "/")
    for above, _, names in os.walk(folder)
    for name in names
)
with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as out:
    for name in files:
        entry = zipfile.ZipInfo(name, moment)
        entry.external_attr = 0o644 << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        with open(os.path.join(folder, name), "rb") as file:
            out.writestr(entry, file.read())
