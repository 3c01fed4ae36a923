"""Makes rendered songs sound more like records: amplifiers, rooms, compression and voices, for the key network alone.

Rendered songs are too clean: networks trained on them alone are less sure of the right key in real music. All functions
take and return float32 samples at 16 kHz; `random` is a numpy Generator.
"""

import numpy as np
from scipy.signal import fftconvolve

from data import augment
from data.harmony import SCALES
from settings import RATE

VOICE_PARTIALS = 8


def level(samples):
    return samples.std() + 1e-6


def driven(samples, random):
    """A random equalizer and a saturating amplifier, which adds sums and differences of simultaneous frequencies."""
    hot = augment.equalize(samples, random, 6.0) / level(samples) * np.exp(random.uniform(np.log(0.5), np.log(8)))
    offset = random.uniform(0, 0.3)
    return (np.tanh(hot + offset) - np.tanh(offset)).astype(np.float32)


def reverberant(samples, random):
    """Reverberation that decays within 0.2 to 1.2 s."""
    length = int(RATE * random.uniform(0.2, 1.2))
    echo = random.normal(0, 1, length) * np.exp(-6.9 * np.arange(length) / length)
    wet = fftconvolve(samples, echo / np.sqrt((echo**2).sum()))[: len(samples)]
    return (samples + random.uniform(0.1, 0.7) * wet).astype(np.float32)


def compressed(samples, random):
    """Dynamic range compression; the level is measured in steps of 50 ms."""
    step = RATE // 20
    power = (samples[: len(samples) // step * step].reshape(-1, step) ** 2).mean(1)
    gain = np.sqrt(np.convolve(power, np.ones(3) / 3, "same") + 1e-6) ** -random.uniform(0.2, 0.8)
    return (samples * np.interp(np.arange(len(samples)), (np.arange(len(gain)) + 0.5) * step, gain)).astype(np.float32)


def voice(count, key, random):
    """`count` samples of a sung line in a key, with glides, vibrato, occasional blue notes and random formants."""
    scales = SCALES[key >= 12]
    scale = scales[random.integers(len(scales))]
    lowest, at = 12 * random.integers(4, 6) + key % 12, int(random.integers(len(scale)))
    pitch, sounding, start = np.zeros(count), np.zeros(count), 0
    while start < count:
        end = start + int(RATE * random.choice([0.15, 0.2, 0.3, 0.4, 0.6, 1.0]))
        at = int(np.clip(at + random.choice([-3, -2, -1, -1, 0, 1, 1, 2, 3]), -3, len(scale) + 3))
        blue = random.choice([-1, 1]) if random.random() < 0.12 else 0
        pitch[start:end] = lowest + 12 * (at // len(scale)) + scale[at % len(scale)] + blue + random.normal(0, 0.15)
        sounding[start:end] = random.random() > 0.2
        start = end
    glide = int(RATE * random.uniform(0.03, 0.12))
    pitch = np.convolve(np.concatenate([np.full(glide, pitch[0]), pitch]), np.ones(glide) / glide, "same")[glide:]
    if random.random() < 0.7:
        pitch += random.uniform(0.1, 0.6) * np.sin(2 * np.pi * random.uniform(4.5, 6.5) * np.arange(count) / RATE)
    cycles = np.cumsum(440 * 2 ** ((pitch - 69) / 12) / RATE)
    fall = random.uniform(0.6, 1.6)
    sung = sum(np.sin(2 * np.pi * partial * cycles) / partial**fall for partial in range(1, VOICE_PARTIALS + 1))
    sung = sung * np.convolve(sounding, np.ones(800) / 800, "same")
    sung = augment.equalize(sung.astype(np.float32), random, 9.0)
    return sung / level(sung)


def augmented_song(samples, key, random):
    """A rendered song in `key`, detuned by a few cents and changed by some of the above."""
    speed = np.exp(random.normal(0, 0.012))
    at = np.arange(0, len(samples) - 1, speed)
    samples = np.resize(np.interp(at, np.arange(len(samples)), samples).astype(np.float32), len(samples))
    if random.random() < 0.7:
        samples = driven(samples, random)
    if random.random() < 0.5:
        loudness = level(samples) * 10 ** (random.uniform(-10, 3) / 20)
        samples = samples + loudness * voice(len(samples), key, random)
    if random.random() < 0.6:
        samples = reverberant(samples, random)
    if random.random() < 0.6:
        samples = compressed(samples, random)
    if random.random() < 0.3:
        samples = driven(samples, random)
    draw = random.random()
    if draw < 0.15:
        samples = augment.low_pass(samples, random.uniform(2500, 6000))
    elif draw < 0.25:
        samples = augment.mp3(samples, 32)
    return samples
