"""A folder of short labeled excerpts that the user points to: `labels.csv` (file, genre, key) beside the audio.

Nothing from the folder is copied into the repository. An excerpt is repeated until it fills a window, as in the engine.
Excerpts with neighboring numbers (`genre.00012.flac`) often come from one record, so three neighbors are one group, and
a group is never on both sides of a split.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import resample_poly

from settings import RATE, WINDOW

TONICS = {
    "C": 0,
    "C#": 1,
    "Db": 1,
    "D": 2,
    "D#": 3,
    "Eb": 3,
    "E": 4,
    "F": 5,
    "F#": 6,
    "Gb": 6,
    "G": 7,
    "G#": 8,
    "Ab": 8,
    "A": 9,
    "A#": 10,
    "Bb": 10,
    "B": 11,
}


@dataclass
class Excerpt:
    """One excerpt; `key` is tonic + 12 * minor, or None when the table has no key."""

    file: str
    genre: str
    key: int | None
    group: str
    samples: np.ndarray

    def window(self):
        return np.resize(self.samples, WINDOW)


def key_number(text):
    """12 for "C minor", None for an empty text."""
    if not text:
        return None
    tonic, mode = text.split()
    return TONICS[tonic] + 12 * (mode == "minor")


def read_excerpts(folder):
    """Reads all excerpts, in the order of the table."""
    excerpts = []
    with Path(folder, "labels.csv").open(encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    for row in rows:
        samples, rate = soundfile.read(Path(folder, row["file"]), dtype="float32", always_2d=True)
        divisor = np.gcd(rate, RATE)
        samples = resample_poly(samples.mean(1), RATE // divisor, rate // divisor).astype(np.float32)
        number = int(row["file"].split(".")[1])
        excerpts.append(
            Excerpt(row["file"], row["genre"], key_number(row["key"]), f"{row['genre']}{number // 3}", samples)
        )
    return excerpts


def folds(groups, count, seed=0):
    """`count` lists of indices; each group, largest first, goes to the smallest fold; ties are random."""
    random = np.random.default_rng(seed)
    names, sizes = np.unique(groups, return_counts=True)
    parts = [[] for _ in range(count)]
    for name in names[np.lexsort((random.random(len(names)), -sizes))]:
        min(parts, key=len).extend(np.flatnonzero(np.asarray(groups) == name))
    return [np.array(sorted(part)) for part in parts]
