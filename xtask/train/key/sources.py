"""Spectra with keys to train the key network on, and their variations.

A source holds constant-Q spectra of whole pieces, float16 [252, frames] at ten frames per second, with a distribution
over the 24 keys for each. Variations are made on the spectra: transposition by whole bins together with the label,
equalization, noise, missing bass or treble, and short windows.
"""

from dataclasses import dataclass

import numpy as np
import torch

from data.spectrum import Level
from key.augment import augmented_song
from key.cqt import BINS, ConstantQ
from settings import RMS, WORK, log


@dataclass
class Source:
    """Pieces of one origin; `share` is their share of each batch."""

    spectra: list
    targets: np.ndarray
    share: float

    def part(self, chosen):
        """Only the pieces with the indices `chosen`."""
        return Source([self.spectra[i] for i in chosen], self.targets[chosen], self.share)

    def shared(self, share):
        """The same pieces with another share."""
        return Source(self.spectra, self.targets, share)


def one_hot(keys):
    return np.eye(24, dtype=np.float32)[np.asarray(keys)]


@torch.no_grad()
def spectrum(samples):
    """Float16 [252, frames] of a float32 signal of any length."""
    level, _ = Level(RMS)(torch.tensor(samples, dtype=torch.float32)[None])
    return ConstantQ()(level)[0].numpy().astype(np.float16)


def rendered_source(share=1.0, augmented=False):
    """All rendered songs, clean or augmented; their spectra are cached beside them."""
    spectra, keys = [], []
    for path in sorted((WORK / "render").glob("[0-9]*.npz")):
        cache = path.with_name(f"{'worn' if augmented else 'cqt'}-{path.stem}.npy")
        data = np.load(path)
        if not cache.exists():
            songs = [song / np.float32(32767) for song in data["audio"]]
            if augmented:
                random = np.random.default_rng([3, int(path.stem)])
                songs = [augmented_song(song, key, random) for song, key in zip(songs, data["keys"])]
            np.save(cache, np.stack([spectrum(song) for song in songs]))
        spectra += list(np.load(cache))
        keys += list(data["keys"])
    log(f"{len(keys)} rendered songs{', augmented' if augmented else ''}")
    return Source(spectra, one_hot(keys), share)


def shifted(spectrum, bins):
    """The spectrum moved up by `bins` bins; the empty bins are zero."""
    moved = np.zeros_like(spectrum)
    if bins > 0:
        moved[bins:] = spectrum[:-bins]
    elif bins < 0:
        moved[:bins] = spectrum[-bins:]
    else:
        moved[:] = spectrum
    return moved


def transposed(target, semitones):
    """The distribution [24] over keys, moved up by `semitones`."""
    return np.concatenate([np.roll(target[:12], semitones), np.roll(target[12:], semitones)])


def example(spectrum, target, frames, random):
    """A varied window [252, frames] with its target."""
    start = random.integers(0, max(1, spectrum.shape[1] - frames + 1))
    x = spectrum[:, start : start + frames].astype(np.float32)
    x = np.tile(x, (1, -(-frames // x.shape[1])))[:, :frames]
    semitones = int(random.integers(-6, 6))
    x = shifted(x, 3 * semitones + int(random.integers(-1, 2)))
    if random.random() < 0.7:
        decibels = np.interp(np.arange(BINS), np.linspace(0, BINS - 1, 8), random.normal(0, 5, 8))
        x *= (10 ** (decibels / 20))[:, None].astype(np.float32)
    if random.random() < 0.4:
        x += np.abs(random.normal(0, 1, x.shape)).astype(np.float32) * x.mean() * 10 ** random.uniform(-1.5, 0.2)
    if random.random() < 0.3:
        # Drums and speech: bursts of noise over all pitches at once.
        bursts = (random.random(frames) < 0.25) * random.exponential(1, frames)
        tilt = np.interp(np.arange(BINS), np.linspace(0, BINS - 1, 5), random.uniform(0, 1, 5))
        x += (x.mean() * 2 * tilt[:, None] * bursts * np.abs(random.normal(0, 1, x.shape))).astype(np.float32)
    if random.random() < 0.2:
        x[: random.integers(0, 60)] *= 0.05
    if random.random() < 0.2:
        x[BINS - random.integers(1, 80) :] *= 0.05
    return x, transposed(target, semitones)


def batch(sources, size, frames, random):
    """Tensors [size, 252, frames] and [size, 24], with labels smoothed by 5 %."""
    shares = np.array([source.share for source in sources])
    inputs, targets = [], []
    for chosen in random.choice(len(sources), size, p=shares / shares.sum()):
        source = sources[chosen]
        i = random.integers(len(source.spectra))
        x, y = example(source.spectra[i], source.targets[i], frames, random)
        inputs.append(x)
        targets.append(y / y.sum())
    return torch.tensor(np.stack(inputs)), 0.95 * torch.tensor(np.stack(targets)) + 0.05 / 24
