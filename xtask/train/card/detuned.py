"""Keys and tuning of the labeled excerpts played at other speeds, with and without the correction of the tuning.

A key is right when it is the excerpt's key relative to the nearest semitone of what sounds: an excerpt that is 20 cents
sharp on the record sounds 55 cents sharp when it plays 35 cents higher, so it is nearer to the next semitone. The share
with the plain reading, by which every excerpt is in tune on the record, stands beside it.

These excerpts took part in the training of the network that is measured: the differences count, not the shares.
"""

import numpy as np
import torch
from scipy.signal import resample

from export.encoder import assemble
from key.cqt import compress, whiten
from key.head import matrix
from key.network import CHANNELS, PITCH_CLASSES
from settings import RATE, WINDOW, WORK, log, record

SPEEDS = {
    "as recorded": 1.0,
    "+35 cents": 2 ** (35 / 1200),
    "-35 cents": 2 ** (-35 / 1200),
    "4 % faster": 1.04,
    "8 % faster": 1.08,
}


def at_speed(samples, speed):
    """A window of samples that play `speed` times as fast."""
    return np.resize(resample(samples, round(len(samples) / speed)).astype(np.float32), WINDOW)


def moved(keys, semitones):
    return (keys + semitones) % 12 + 12 * (keys // 12)


def difference(cents):
    """Distance on the circle of a semitone."""
    return np.abs((cents + 50) % 100 - 50)


class Answers:
    """Keys and deviations of windows, from one encoder."""

    def __init__(self):
        self.encoder = assemble()
        weight, bias = matrix(*(values.detach().numpy() for values in self.encoder.key.output()))
        self.weight, self.bias = torch.tensor(weight), torch.tensor(bias)

    @torch.no_grad()
    def of(self, window):
        """(key with the correction, key without, cents, certainty)."""
        encoder, waveform = self.encoder, torch.tensor(window[None])
        layer = encoder(waveform)[2]
        log = compress(encoder.constant_q(encoder.level(waveform)[0]))
        plain, channels = layer.clone(), CHANNELS * PITCH_CLASSES
        plain[:channels] = encoder.key.hidden(torch.stack([log - 1.5, whiten(log)], 1)).flatten()
        keys = [int((self.weight @ hidden + self.bias).argmax()) for hidden in (layer, plain)]
        x, y = layer[channels + 1 : channels + 3].tolist()
        return *keys, np.degrees(np.arctan2(y, x)) / 3.6, np.hypot(x, y)


def measured(found, own, keys, speed):
    """The figures at one speed; `own` is each excerpt's deviation on the record, in cents."""
    with_it, without, cents = (found[:, i] for i in range(3))
    added = 1200 * np.log2(speed)
    sounding, plain = (moved(keys, np.round(x / 100).astype(int)) for x in (own + added, np.full(len(own), added)))
    share = lambda predicted, truth: float((predicted == truth).mean())
    return {
        "with": share(with_it, sounding),
        "without": share(without, sounding),
        "with, plain": share(with_it, plain),
        "without, plain": share(without, plain),
        "median error in cents": float(np.median(difference(cents - own - added))),
    }


def of_songs(answers, count=40):
    """Median error in cents on rendered songs, whose tuning is known, at all speeds; one window each."""
    path = sorted((WORK / "render").glob("[0-9]*.npz"))
    songs = [song / np.float32(32767) for file in path for song in np.load(file)["audio"]][:count]
    errors = [
        difference(answers.of(at_speed(song[: 8 * RATE], speed))[2] - 1200 * np.log2(speed))
        for speed in SPEEDS.values()
        for song in songs
    ]
    return {"songs": len(songs), "median error in cents": float(np.median(errors)) if errors else None}


def measure_detuned(excerpts):
    """Measures at all speeds and records the figures."""
    excerpts = [excerpt for excerpt in excerpts if excerpt.key is not None]
    keys, answers, own, figures = np.array([excerpt.key for excerpt in excerpts]), Answers(), None, {}
    for name, speed in SPEEDS.items():
        found = np.array([answers.of(at_speed(excerpt.samples, speed)) for excerpt in excerpts])
        own = found[:, 2] if own is None else own
        figures[name] = measured(found, own, keys, speed)
        log(f"{name}: {figures[name]}")
    figures["rendered"] = of_songs(answers)
    log(f"rendered: {figures['rendered']}")
    record("tuning", figures)
    return figures
