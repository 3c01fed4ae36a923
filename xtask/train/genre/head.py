"""The genre head, fitted by the `mertscope` command itself, as a user would.

The excerpts are written as WAV files of one window each, clean and in several versions augmented by MP3, band limits,
clipping and noise. All versions of an excerpt and of its neighbors are one group.
"""

import csv
import json
import os
import subprocess

import numpy as np
import soundfile

from data import augment
from settings import RATE, ROOT, WORK, log, record

VIEWS = 4
# As in the installed head.
DESCRIPTION = (
    "{count} excerpts of 2 to 3 s of GTZAN (tracks 10 and up), each once as it is and {views} times worn; "
    "their audio carries no licence, which is legally unsettled"  # spelling as stored
)


def view(excerpt, number, random):
    """The excerpt as a window: number 0 is clean; the others have a random speed, equalization and degradation."""
    if number == 0:
        return excerpt.window()
    turned = np.resize(np.roll(excerpt.samples, -int(random.integers(len(excerpt.samples)))), 8 * RATE)
    return augment.augmented(
        augment.equalize(augment.speed(turned, np.exp(random.normal(0, 0.06))), random, 3.0), random, always=True
    )


def write_views(excerpts, views, seed=0):
    """Writes `views` augmented versions and the clean one of each excerpt; returns the path of their table."""
    folder = WORK / f"labelled-{views}"  # spelling as stored
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    table = folder / "labels.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "genre", "group"])
        for excerpt in excerpts:
            for number in range(views + 1):
                name = f"{excerpt.file}.{number}.wav"
                samples = view(excerpt, number, random)
                soundfile.write(folder / name, samples / np.abs(samples).max() * 0.9, RATE, subtype="PCM_16")
                writer.writerow([name, excerpt.genre, excerpt.group])
    return table


def mertscope(*arguments):
    """Runs the built `mertscope` command; returns its standard output."""
    command = os.environ.get("MERTSCOPE_COMMAND", ROOT / "target" / "release" / "mertscope")
    return subprocess.run([command, *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True).stdout


def train_genre_head(model, path, excerpts):
    """Fits the head to the model in the folder `model`; returns the figures on the clean excerpts alone."""
    layers = [
        "--layers",
        "3,4,6",
        "--task",
        "genre",
        "--label-column",
        "genre",
        "--group-column",
        "group",
        "--model",
        model,
    ]
    clean = mertscope(
        "heads",
        "train",
        "--data",
        write_views(excerpts, 0),
        *layers,
        "--out",
        WORK / "genre-clean.safetensors",
        "--json",
    )
    described = DESCRIPTION.format(count=len(excerpts), views=VIEWS)
    mertscope(
        "heads",
        "train",
        "--data",
        write_views(excerpts, VIEWS),
        *layers,
        "--out",
        path,
        "--describe",
        described,
        "--licence",
        "see CARD.md",
        "--json",
    )
    figures = json.loads(clean)
    log(f"genre: {clean}")
    record("genre", figures)
    return figures
