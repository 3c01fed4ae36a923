"""Music in which windows follow each other, with known keys, as hidden states of the exported graph.

- `song-N`: songs rendered like those of the stage `render`, from numbers that no training uses; keys exact.
- `music-PACKAGE-…`: free music that no training used, its blocks joined; the key that two of three of essentia's
  profiles predict for all of it. Files on which they differ are left out, so what is left is easier than music at large.
- `joined-N-M`: twenty seconds each of two songs in different keys; the change of key is at a known time.

Writes `confidence/NAME.npz`: `hidden` [windows, 2, width] of the key and the genre head's layers, a window every two
seconds; `keys`, one or two; `group`.
"""

import csv
from pathlib import Path

import numpy as np

from data import music, render
from key.labels import votes
from settings import RATE, WINDOW, WORK, log, session

FIRST_SONG = 1_000_000
SONGS = 72
SECONDS = 40
HOP_S = 2
JOINED = 20
AGREED = 2


def hidden_states(network, samples, layers):
    """Hidden states of the windows of float32 `samples`, [windows, layers, width]."""
    starts = range(0, max(1, len(samples) - WINDOW + 1), HOP_S * RATE)
    windows = (np.resize(samples[at : at + WINDOW], WINDOW)[None].astype(np.float32) for at in starts)
    return np.stack([network.run(["hidden"], {"waveform": window})[0][layers] for window in windows])


def songs():
    """Yields (number, samples, key) of songs that no training uses; rendered songs are kept in `songs/`."""
    folder = WORK / "songs"
    folder.mkdir(parents=True, exist_ok=True)
    grooves = list(csv.DictReader(Path(render.__file__).with_name("grooves.csv").open(encoding="utf-8")))
    for number in range(FIRST_SONG, FIRST_SONG + SONGS):
        path = folder / f"{number}.npz"
        if not path.exists():
            made = render.render(number, grooves, SECONDS)
            if made is None:
                continue
            np.savez(path, audio=np.int16(made[0] * 32767), key=made[1])
        saved = np.load(path)
        yield number, saved["audio"] / np.float32(32767), int(saved["key"])


def free_music():
    """Yields (package, path, samples) of files of the stage `music` that are held out of training, blocks joined."""
    for part in sorted((WORK / "music").glob("*.npz")):
        data = np.load(part)
        for path in dict.fromkeys(data["paths"]):
            if music.held_out(path):
                blocks = [block for block, of in zip(data["blocks"], data["paths"]) if of == path]
                yield part.stem, path, np.concatenate(blocks) / np.float32(32767)


def make_tracks(model, layers):
    """Writes the tracks that are not there yet; `layers` are those of the key and the genre head."""
    folder = WORK / "confidence"
    folder.mkdir(exist_ok=True)
    network = session(model / "encoder.onnx")

    def keep(name, samples, keys, group):
        path = folder / f"{name}.npz"
        if not path.exists():
            np.savez(path, hidden=hidden_states(network, samples, layers), keys=keys, group=group)

    before = None
    joined = 0
    for number, samples, key in songs():
        keep(f"song-{number}", samples, [key], f"song{number}")
        half = SECONDS * RATE // 2
        if joined < JOINED and before is not None and before[2] != key:
            both = np.concatenate([before[1][half:], samples[:half]])
            keep(f"joined-{before[0]}-{number}", both, [before[2], key], f"song{number}")
            joined, before = joined + 1, None
        else:
            before = (number, samples, key)
    for package, path, samples in free_music():
        name = f"music-{package}-{Path(path).stem}"
        if not (folder / f"{name}.npz").exists() and (counts := votes(samples)).max() >= AGREED:
            keep(name, samples, [int(counts.argmax())], package)
    log(f"confidence: {len(list(folder.glob('*.npz')))} tracks")


def load_tracks():
    """All tracks, as dictionaries with their names."""
    return [{"name": path.stem, **np.load(path)} for path in sorted((WORK / "confidence").glob("*.npz"))]
