"""Gathers the styles of free music and writes `styles.csv` (package, path, style, source), which is facts only.

Run by hand when `music.csv` changes: `python style_labels.py GUESSES.csv`, from the folder above with the pipeline's
environment, `PYTHONPATH` set to it. `GUESSES.csv` has a machine's guesses: package, path, machine_style_musicnn_top3 (three tags
joined by "+"), machine_gtzan_guess and machine_guess_prob. Packages are downloaded for the fields in their files; ffprobe
and openmpt123 read them. The rules are in `style_rules.py`.
"""

import csv
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from data.music import LIST, TRACKER
from data.style_rules import label
from settings import log

STYLES = Path(__file__).with_name("styles.csv")


def fields(path):
    """(genre, title) that the file itself names; empty texts when it names none."""
    if path.suffix.lower() in TRACKER:
        shown = subprocess.run(
            ["openmpt123", "--batch", "--info", path], capture_output=True, text=True, errors="replace"
        )
        titles = [line.split(":", 1)[1] for line in shown.stdout.splitlines() if line.startswith("Title")]
        return "", " ".join(titles).strip()
    command = ["ffprobe", "-v", "quiet", "-print_format", "json", "-show_format", "-show_streams", path]
    shown = json.loads(subprocess.run(command, capture_output=True, text=True, errors="replace").stdout)
    tags = {}
    for part in (shown["format"], *shown["streams"]):
        tags |= {name.lower(): text for name, text in part.get("tags", {}).items()}
    return tags.get("genre", ""), tags.get("title", "")


def unpacked(package, paths, folder):
    """Downloads a package and unpacks only these files of it."""
    subprocess.run(["apt-get", "download", "-qq", package], cwd=folder, check=True, capture_output=True)
    archive, root = next(Path(folder).glob("*.deb")), Path(folder, "root")
    root.mkdir()
    with subprocess.Popen(["dpkg", "--fsys-tarfile", archive], stdout=subprocess.PIPE) as unpacking:
        # A file inside an archive of the game's own is not found; `get_music` does not hear it either.
        subprocess.run(["tar", "-x", "-C", root, *(f"./{path}" for path in paths)], stdin=unpacking.stdout)
    return root


def gather(guesses):
    """Writes the table; a file that no rule knows is left out."""
    paths, counts = {}, Counter()
    for row in csv.DictReader(LIST.open(encoding="utf-8")):
        paths.setdefault(row["package"], []).append(row["path"])
    with STYLES.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["package", "path", "style", "source"])
        for package, of_package in paths.items():
            with tempfile.TemporaryDirectory() as folder:
                root = unpacked(package, of_package, folder)
                for path in filter(lambda path: (root / path).exists(), of_package):
                    guess = guesses.get((package, path), {})
                    style, source = label(
                        package,
                        path,
                        *fields(root / path),
                        [tag for tag in guess.get("machine_style_musicnn_top3", "").split("+") if tag],
                        guess.get("machine_gtzan_guess", ""),
                        float(guess.get("machine_guess_prob") or 0),
                    )
                    if style:
                        writer.writerow([package, path, style, source])
                        counts[style, source] += 1
            log(f"{package}: {sum(counts.values())} labels so far")
    for (style, source), count in sorted(counts.items()):
        log(f"{style}, {source}: {count}")


if __name__ == "__main__":
    with Path(sys.argv[1]).open(encoding="utf-8") as table:
        gather({(row["package"], row["path"]): row for row in csv.DictReader(table)})
