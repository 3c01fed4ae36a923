"""Takes members out of a wheel, side by side into a folder: extract_members.py WHEEL FOLDER MEMBER..."""

import shutil
import sys
import zipfile
from pathlib import Path, PurePosixPath

wheel, folder, *members = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for member in members:
        # The bare name: nothing in a wheel decides where its bytes go.
        target = Path(folder) / PurePosixPath(member).name
        with archive.open(member) as source, target.open("xb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
