"""Sounds of which no key may be named: held notes and noise."""

import numpy as np

from confidence import shown
from confidence.head_file import layer, log_probabilities
from confidence.tracks import hidden_states
from settings import RATE, RMS, session

MARGIN = 0.02


def above_nothing(constants, model, head):
    """The constants with limits that neither a held note (one key) nor noise (a pair) reaches."""
    network = session(model / "encoder.onnx")
    for kind, limit, sounds in (("notes", "named", notes()), ("noise", "pair", noises())):
        for sound in sounds:
            logs = log_probabilities(head, hidden_states(network, sound, [layer(head)])[:, 0])
            for part, figures in (("live", shown.live(logs, constants)), ("file", shown.whole(logs, constants)[None])):
                best = np.sort(figures, 1)[:, -1 if kind == "notes" else -2 :].sum(1).max()
                constants[part][limit] = max(constants[part][limit], round(float(best) + MARGIN, 3))
    return constants


def notes():
    """Held and repeated notes of several kinds in six octaves, seconds each."""
    time = np.arange(14 * RATE) / RATE
    for hz in 55 * 2.0 ** np.arange(0, 6, 0.5):
        yield np.sin(2 * np.pi * hz * time)
        yield (hz * time) % 1 - 0.5
        yield np.sign(np.sin(2 * np.pi * hz * time))
        yield sum(np.sin(2 * np.pi * hz * n * time) / n for n in range(1, 6)) * np.exp(-4 * (time % 0.5))


def noises():
    """White, pink and brown noise, and clicks."""
    white = np.random.default_rng(0).normal(0, RMS, 20 * RATE)
    spectrum, place = np.fft.rfft(white), np.maximum(np.arange(len(white) // 2 + 1), 1)
    yield white
    yield np.fft.irfft(spectrum / np.sqrt(place))
    yield np.fft.irfft(spectrum / place)
    yield white * np.exp(-60 * ((np.arange(len(white)) / RATE) % 0.25))
