"""What the exact teacher says about augmented windows, computed once into a cache.

The teacher hears the clean window, the student will hear the worn one: that is how it learns to stand MP3, band limits,
clipping and noise. Writes `targets/NNN.npz` with 250 windows each: `mel`, the spectrogram [96, 313] of the window, worn half of
the time, and for both networks the pooled features [2, 1506] and penultimate features [2, 200]; `targets/worn-NNN.npz` has
two more `mel` of each window, always worn, [2, 96, 313]; `targets/held_out.npz` has clean windows of files that are never
trained on, `targets/clean.npz` the `mel` of windows of others, as they are. All are float16.
"""

import numpy as np
import torch
from torch import nn

import augment
from music import load_music
from port import Musicnn, check_parity
from settings import RMS, WINDOW, WORK, log, session
from spectrum import Level, Mel, mel_of

WINDOWS_A_FILE = 250
HELD_OUT_WINDOWS = 160
CLEAN_WINDOWS = 400
RENDERED_SHARE = 0.2
WORN_VIEWS = 2
NAMES = ["mel", "msd_pooled", "msd", "mtt_pooled", "mtt"]


class Teacher(nn.Module):
    """Waveform to spectrogram and both networks' pooled and penultimate features, exactly as musicnn has them."""

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
    """The teacher as ONNX, which runs several times as fast on a CPU as in PyTorch."""
    log(f"port checked against TensorFlow, largest differences: {check_parity()}")
    path = WORK / "teacher" / "teacher.onnx"
    torch.onnx.export(Teacher().eval(), (torch.zeros(1, WINDOW),), path, opset_version=17, dynamo=False, input_names=["waveform"], output_names=NAMES)
    return path


def save(path, rows):
    np.savez(path, **{name: np.stack([row[name] for row in rows]).astype(np.float16) for name in NAMES})


def make_targets(windows, seed=0):
    """Fills `targets/`; files that are there stay, each file has a seed of its own."""
    folder = WORK / "targets"
    folder.mkdir(parents=True, exist_ok=True)
    network = session(export_teacher())

    def listen(clean, worn):
        row = dict(zip(NAMES, (output[0] for output in network.run(None, {"waveform": clean[None]}))))
        if worn is not clean:
            row["mel"] = mel_of(worn)
        return row

    blocks, _, _, held_out = load_music()
    training, kept = blocks[~held_out], blocks[held_out]
    if not (folder / "held_out.npz").exists():
        chosen = np.random.default_rng(seed).permutation(len(kept))[:HELD_OUT_WINDOWS]
        clean = [kept[i][:WINDOW].astype(np.float32) / 32767 for i in chosen]
        save(folder / "held_out.npz", [listen(window, window) for window in clean])
    if not (folder / "clean.npz").exists():
        chosen = np.random.default_rng([seed, 1]).permutation(len(training))[:CLEAN_WINDOWS]
        np.savez(folder / "clean.npz", mel=np.array([mel_of(training[i][:WINDOW] / np.float32(32767)) for i in chosen], np.float16))
    rendered = [path for path in sorted((WORK / "render").glob("*.npz"))]
    for number in range(windows // WINDOWS_A_FILE):
        path, more = folder / f"{number:03d}.npz", folder / f"worn-{number:03d}.npz"
        if path.exists() and more.exists():
            continue
        random = np.random.default_rng([seed, number])
        songs = np.load(rendered[random.integers(len(rendered))])["audio"] if rendered else None
        pairs = []
        for _ in range(WINDOWS_A_FILE):
            pool = songs if songs is not None and random.random() < RENDERED_SHARE else training
            block = pool[random.integers(len(pool))].astype(np.float32) / 32767
            other = training[random.integers(len(training))][-WINDOW:].astype(np.float32) / 32767
            clean = augment.training_window(block, other, random)
            pairs.append((clean, augment.wear(clean, random)))
        if not path.exists():
            save(path, [listen(*pair) for pair in pairs])
        random = np.random.default_rng([seed, number, 1])
        views = [[mel_of(augment.wear(clean, random, always=True)) for _ in range(WORN_VIEWS)] for clean, _ in pairs]
        np.savez(more, mel=np.array(views, np.float16))
        log(f"{path.name} of {windows // WINDOWS_A_FILE}")
