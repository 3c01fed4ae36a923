"""The exact teacher's outputs for windows of music, computed once into a cache.

The teacher gets the clean window, the student the augmented one: that is how the student learns to tolerate MP3, band
limits, clipping and noise. All arrays are float16:

- `targets/NNN.npz` has 250 windows each: `mel`, the spectrogram [96, 313] of the window, augmented in half of the
  cases, and for both networks the pooled features [2, 1506] and penultimate features [2, 200];
- `targets/worn-NNN.npz` has two more `mel` per window, always augmented, [2, 96, 313];
- `targets/held_out.npz` has clean windows of files that no stage trains on;
- `targets/clean.npz` has the `mel` of clean windows of the other files.
"""

import numpy as np
import torch
from torch import nn

from data import augment
from data.music import load_music
from data.spectrum import Level, Mel, mel_of
from settings import RMS, WINDOW, WORK, log, session
from teacher.port import Musicnn, check_parity

WINDOWS_PER_FILE = 250
HELD_OUT_WINDOWS = 160
CLEAN_WINDOWS = 400
RENDERED_SHARE = 0.2
AUGMENTED_VIEWS = 2
NAMES = ["mel", "msd_pooled", "msd", "mtt_pooled", "mtt"]


class Teacher(nn.Module):
    """Waveform to spectrogram and both networks' pooled and penultimate features, exactly as musicnn computes them."""

    def __init__(self):
        super().__init__()
        self.level, self.mel = Level(RMS), Mel()
        self.networks = nn.ModuleList([Musicnn("MSD"), Musicnn("MTT")])

    def forward(self, waveform):
        mel = self.mel(self.level(waveform)[0])
        outputs = [mel]
        for network in self.networks:
            pooled = network.back.pool(network.back.middle(network.front(mel)))
            outputs += [pooled, network.back.finish(pooled)]
        return tuple(outputs)


def export_teacher():
    """Writes the teacher as ONNX, which runs several times as fast on a CPU as PyTorch."""
    log(f"port checked against TensorFlow, largest differences: {check_parity()}")
    path = WORK / "teacher" / "teacher.onnx"
    torch.onnx.export(
        Teacher().eval(),
        (torch.zeros(1, WINDOW),),
        path,
        opset_version=17,
        dynamo=False,
        input_names=["waveform"],
        output_names=NAMES,
    )
    return path


def save(path, rows):
    np.savez(path, **{name: np.stack([row[name] for row in rows]).astype(np.float16) for name in NAMES})


def make_targets(windows, seed=0):
    """Fills `targets/`; existing files stay, and each file has a seed of its own."""
    folder = WORK / "targets"
    folder.mkdir(parents=True, exist_ok=True)
    network = session(export_teacher())

    def row_of(clean, augmented):
        row = dict(zip(NAMES, (output[0] for output in network.run(None, {"waveform": clean[None]}))))
        if augmented is not clean:
            row["mel"] = mel_of(augmented)
        return row

    blocks, _, _, held_out = load_music()
    training, kept = blocks[~held_out], blocks[held_out]
    if not (folder / "held_out.npz").exists():
        chosen = np.random.default_rng(seed).permutation(len(kept))[:HELD_OUT_WINDOWS]
        clean = [kept[i][:WINDOW].astype(np.float32) / 32767 for i in chosen]
        save(folder / "held_out.npz", [row_of(window, window) for window in clean])
    if not (folder / "clean.npz").exists():
        chosen = np.random.default_rng([seed, 1]).permutation(len(training))[:CLEAN_WINDOWS]
        np.savez(
            folder / "clean.npz",
            mel=np.array([mel_of(training[i][:WINDOW] / np.float32(32767)) for i in chosen], np.float16),
        )
    rendered = sorted((WORK / "render").glob("*.npz"))
    for number in range(windows // WINDOWS_PER_FILE):
        path, more = folder / f"{number:03d}.npz", folder / f"worn-{number:03d}.npz"
        if path.exists() and more.exists():
            continue
        random = np.random.default_rng([seed, number])
        songs = np.load(rendered[random.integers(len(rendered))])["audio"] if rendered else None
        pairs = []
        for _ in range(WINDOWS_PER_FILE):
            pool = songs if songs is not None and random.random() < RENDERED_SHARE else training
            block = pool[random.integers(len(pool))].astype(np.float32) / 32767
            other = training[random.integers(len(training))][-WINDOW:].astype(np.float32) / 32767
            clean = augment.training_window(block, other, random)
            pairs.append((clean, augment.augmented(clean, random)))
        if not path.exists():
            save(path, [row_of(*pair) for pair in pairs])
        random = np.random.default_rng([seed, number, 1])
        views = [
            [mel_of(augment.augmented(clean, random, always=True)) for _ in range(AUGMENTED_VIEWS)]
            for clean, _ in pairs
        ]
        np.savez(more, mel=np.array(views, np.float16))
        log(f"{path.name} of {windows // WINDOWS_PER_FILE}")
