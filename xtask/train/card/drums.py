"""Sounds with a pitch and no harmony, held against the tuning that is shown: drums fall to a pitch that need be no
semitone's, and it says nothing about the tuning of music.

`certainties` repeats what the engine shows after a while (`engine/music/src/tuning.rs`): windows weighted by their
certainty, which is less the less their key probabilities say.
"""

import numpy as np

from confidence.head_file import log_probabilities, read_head
from confidence.tracks import HOP_S, hidden_states
from data.augment import filtered
from export.model_folder import MODEL
from key.tuning_head import FIRST
from settings import RATE, log, record, session

SECONDS = 14
TIME_S = 15
# The engine's: what key probabilities say from which on there is harmony, and nothing but harmony; the certainty from
# which a tuning is shown.
HARMONY = 0.15, 0.25
CLEAR = 0.3


def drum(random, hz, ratio, fall_s, decay_s, click):
    """A second of a drum that falls from `ratio` times `hz` to `hz`, with a click of noise."""
    time = np.arange(RATE) / RATE
    phase = 2 * np.pi * np.cumsum(hz * (1 + (ratio - 1) * np.exp(-time / fall_s))) / RATE
    return np.sin(phase) * np.exp(-time / decay_s) + click * random.normal(0, 1, RATE) * np.exp(-time / 0.003)


def pattern(hits, tempo):
    """The hits in turn, one per beat."""
    out = np.zeros((SECONDS + 1) * RATE)
    for number, at in enumerate(np.arange(0, SECONDS, 60 / tempo)):
        start = int(at * RATE)
        out[start : start + RATE] += hits[number % len(hits)]
    return out[: SECONDS * RATE]


def kicks(random):
    """Forty kicks on every beat: alone, saturated, with hats, with toms."""
    for number in range(40):
        hz, ratio = 2 ** random.uniform(np.log2(40), np.log2(130)), random.choice([1, 1.5, 3, 6])
        decay_s = random.choice([0.08, 0.15, 0.3, 0.6, 1.2])
        hit = drum(random, hz, ratio, random.choice([0.01, 0.03, 0.06]), decay_s, random.choice([0, 0.1, 0.3]))
        sound = pattern([hit], random.uniform(90, 150))
        if number % 4 == 1:
            sound = np.tanh(3 * sound)
        elif number % 4 == 2:
            slope = lambda f: np.clip(20 * np.log10(np.maximum(f, 20) / 6000), -60, 0)
            hat = filtered(random.normal(0, 0.1, len(sound)), slope)
            sound = sound + 0.5 * hat * np.exp(-((np.arange(len(sound)) / RATE) % 0.25) / 0.03)
        elif number % 4 == 3:
            sound = sound + 0.5 * pattern([drum(random, 2.2 * hz, 1.2, 0.02, 0.2, 0.5), np.zeros(RATE)], 120)
        yield sound


def toms(random):
    """Twelve figures of three toms or congas."""
    for _ in range(12):
        pitches = [2 ** random.uniform(np.log2(70), np.log2(300)) for _ in range(3)]
        hits = [drum(random, hz, 1.3, 0.03, 0.25, 0.2) for hz in pitches]
        yield pattern([*hits, np.zeros(RATE)], random.uniform(100, 200))


def long_kicks(random):
    """Twelve lines of a long kick that serves as a bass, of two notes."""
    for _ in range(12):
        hz = 2 ** random.uniform(np.log2(40), np.log2(80))
        hits = [drum(random, hz * 2 ** (step / 12), 2, 0.03, 0.8, 0.1) for step in (0, 0, 3, 0)]
        yield pattern(hits, random.uniform(60, 140))


def certainties(hidden, head):
    """The certainty shown after all windows `hidden` [windows, width] of the key layer, without regard to harmony and with."""
    logs = log_probabilities(head, hidden)
    information = 1 + (np.exp(logs) * logs).sum(1) / np.log(logs.shape[1])
    vectors = hidden[:, FIRST : FIRST + 2]
    found = []
    for harmony in (np.ones(len(logs)), np.clip((information - HARMONY[0]) / (HARMONY[1] - HARMONY[0]), 0, 1)):
        mean, gain = None, 1 - np.exp(-HOP_S / TIME_S)
        for vector in vectors * harmony[:, None]:
            certainty = np.hypot(*vector)
            new = np.append(vector, 1) * certainty
            mean = new if mean is None else mean + gain * (new - mean)
        found.append(np.hypot(*mean[:2]) / max(mean[2], 1e-9))
    return found


def measure_drums(tracks):
    """Records the share of sounds and of `tracks` of one key, as `confidence.tracks` has them, with a clear tuning."""
    network, head, random = (
        session(MODEL / "encoder.onnx"),
        read_head(MODEL / "key.safetensors"),
        np.random.default_rng(5),
    )
    sounds = {
        name: [hidden_states(network, 0.1 * sound, [2])[:, 0] for sound in made(random)]
        for name, made in (("kicks", kicks), ("toms", toms), ("long kicks", long_kicks))
    }
    # Without the stage `confidence` there are none.
    if songs := [track["hidden"][:, 0] for track in tracks if len(track["keys"]) == 1]:
        sounds["songs and free music"] = songs
    figures = {}
    for name, of in sounds.items():
        clear = np.array([certainties(hidden, head) for hidden in of]) >= CLEAR
        figures[name] = {"sounds": len(of), "without": int(clear[:, 0].sum()), "with": int(clear[:, 1].sum())}
    log(f"drums: {figures}")
    record("drums", figures)
    return figures
