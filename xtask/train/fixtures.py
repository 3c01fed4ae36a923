"""Cuts the smoke test's fixtures out of the files of a full run. Usage: `python xtask/train/fixtures.py`."""

import shutil

import numpy as np

from data import augment
from key.sources import spectrum
from settings import ROOT, WORK, session
from teacher.targets import NAMES

FIXTURES = ROOT / "tests" / "fixtures" / "train"
WINDOWS, HELD_OUT, SONGS, SONG_FRAMES = 20, 8, 12, 120


def make_fixtures():
    """Writes the fixtures; they come from rendered songs only, so that nobody else's music is committed."""
    FIXTURES.mkdir(parents=True, exist_ok=True)
    for name in ("MSD", "MTT"):
        values = np.load(WORK / "teacher" / f"{name}.npz")
        kept = {k: v.astype(np.float16) for k, v in values.items() if "|" in k}
        np.savez_compressed(FIXTURES / f"{name}.npz", **kept)
    np.savez_compressed(FIXTURES / "mel.npz", filters=np.load(WORK / "teacher" / "mel.npz")["filters"])
    shutil.copy(WORK / "teacher" / "musicnn-ISC.md", FIXTURES)
    audio, keys = [], []
    for path in sorted((WORK / "render").glob("[0-9]*.npz"))[:2]:
        data = np.load(path)
        audio += [song / np.float32(32767) for song in data["audio"]]
        keys += list(data["keys"])
    songs = [spectrum(song)[:, :SONG_FRAMES] for song in audio[:SONGS]]
    np.savez_compressed(FIXTURES / "songs.npz", spectra=np.stack(songs), keys=np.array(keys[:SONGS]))
    random, rows = np.random.default_rng(0), []
    network = session(WORK / "teacher" / "teacher.onnx")
    for song in audio[: WINDOWS + HELD_OUT]:
        clean = augment.training_window(song, None, random)
        row = dict(zip(NAMES, (output[0] for output in network.run(None, {"waveform": clean[None]}))))
        rows.append(row)
    names = ["mel", "msd_pooled", "msd", "mtt"]
    np.savez_compressed(
        FIXTURES / "targets.npz", **{name: np.stack([row[name] for row in rows]).astype(np.float16) for name in names}
    )


if __name__ == "__main__":
    make_fixtures()
