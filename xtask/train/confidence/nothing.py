"""Sounds of which no key may be named: held notes and noise."""

import numpy as np

from confidence import shown
from confidence.head_file import layer, log_probabilities
from confidence.tracks import hidden_states
from settings import RATE, RMS, session

MARGIN = 0.02


def nothing(model, head):
    """What the head says of these sounds: the log probabilities of each note and of each noise."""
    network = session(model / "encoder.onnx")
    logs_of = lambda sound: log_probabilities(head, hidden_states(network, sound, [layer(head)])[:, 0])
    return [logs_of(sound) for sound in notes()], [logs_of(sound) for sound in noises()]


def above_nothing(constants, said):
    """The constants with limits that neither a held note (one key) nor noise (a pair) reaches."""
    for all_logs, limit, labels in zip(said, ("named", "pair"), (1, 2)):
        for logs in all_logs:
            for part, figures in (("live", shown.live(logs, constants)), ("file", shown.whole(logs, constants)[None])):
                best = float(np.sort(figures, 1)[:, -labels:].sum(1).max())
                constants[part][limit] = max(constants[part][limit], round(best + MARGIN, 3))
    return constants


def notes():
    """Held and repeated notes of several kinds in six octaves, 14 s each; without partials beyond the band, which would fold back as
    tones of a chord.
    """
    time = np.arange(14 * RATE) / RATE
    partials = lambda hz, numbers: sum(np.sin(2 * np.pi * hz * n * time) / n for n in numbers if hz * n < RATE / 2)
    for hz in 55 * 2.0 ** np.arange(0, 6, 0.5):
        yield partials(hz, [1])
        yield partials(hz, range(1, 150))
        yield partials(hz, range(1, 150, 2))
        yield partials(hz, range(1, 6)) * np.exp(-4 * (time % 0.5))


def noises():
    """White, pink and brown noise, and clicks."""
    white = np.random.default_rng(0).normal(0, RMS, 20 * RATE)
    spectrum, place = np.fft.rfft(white), np.maximum(np.arange(len(white) // 2 + 1), 1)
    yield white
    yield np.fft.irfft(spectrum / np.sqrt(place))
    yield np.fft.irfft(spectrum / place)
    yield white * np.exp(-60 * ((np.arange(len(white)) / RATE) % 0.25))
