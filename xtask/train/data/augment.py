"""Degradations and variations of windows: speed, equalization, noise, mixing, band limits, clipping, MP3.

All functions take and return float32 samples at 16 kHz; `random` is a numpy Generator.
"""

import io

import numpy as np
import soundfile

from settings import RATE, WINDOW

# LAME's encoder and decoder delay, in samples.
MP3_DELAY = 1105


def speed(samples, factor):
    """The first window of `samples` played `factor` times as fast (pitch changes with it), by linear interpolation."""
    at = np.arange(WINDOW) * factor
    at = at[at < len(samples) - 1]
    return np.resize(np.interp(at, np.arange(len(samples)), samples).astype(np.float32), WINDOW)


def filtered(samples, gain):
    """Applies `gain`, a function from frequency in Hz to decibels."""
    frequencies = np.fft.rfftfreq(len(samples), 1 / RATE)
    return np.fft.irfft(np.fft.rfft(samples) * 10 ** (gain(frequencies) / 20), len(samples)).astype(np.float32)


def equalize(samples, random, decibels=4.0):
    """A random smooth curve over seven points between 30 Hz and 8 kHz."""
    points = random.normal(0, decibels, 7)
    positions = np.linspace(np.log2(30), np.log2(8000), 7)
    return filtered(samples, lambda f: np.interp(np.log2(np.maximum(f, 30)), positions, points))


def low_pass(samples, edge_hz, steepness_hz=150.0):
    """A low-pass filter: -60 dB above `edge_hz`."""
    return filtered(samples, lambda f: -60 / (1 + np.exp(-np.clip((f - edge_hz) / steepness_hz, -50, 50))))


def noisy(samples, random, snr_db):
    """Adds white noise `snr_db` below the music."""
    return samples + random.normal(0, samples.std() * 10 ** (-snr_db / 20), len(samples)).astype(np.float32)


def clipped(samples, decibels):
    """Clips the samples `decibels` below their peak."""
    limit = np.abs(samples).max() * 10 ** (-decibels / 20)
    return np.clip(samples, -limit, limit)


def mp3(samples, kilobits):
    """Encodes to a mono MP3 at 16 kHz, decodes it and aligns the result."""
    peak = np.abs(samples).max() + 1e-9
    # libsndfile maps compression 0...1 linearly to 160...8 kbit/s at this rate.
    level = (160 - kilobits) / 152
    file = io.BytesIO()
    soundfile.write(
        file,
        samples / peak * 0.9,
        RATE,
        format="MP3",
        subtype="MPEG_LAYER_III",
        bitrate_mode="CONSTANT",
        compression_level=level,
    )
    file.seek(0)
    decoded, _ = soundfile.read(file, dtype="float32")
    decoded = np.resize(decoded, len(samples)).astype(np.float32) * (peak / 0.9)
    # The smallest frames have no room for the tag with the encoder's delay, so the decoder can't remove the delay.
    delayed = np.roll(decoded, -MP3_DELAY)
    return max((decoded, delayed), key=lambda candidate: float(candidate @ samples))


def augmented(samples, random, always=False):
    """One random degradation that a model must tolerate; none for half of the windows, unless `always`."""
    draw = random.random() * (0.5 if always else 1)
    if draw < 0.12:
        return low_pass(samples, random.uniform(3000, 7500))
    if draw < 0.27:
        return mp3(samples, random.choice([32, 40, 48, 64]))
    if draw < 0.39:
        return clipped(samples, random.uniform(1, 14))
    if draw < 0.5:
        return noisy(samples, random, random.uniform(12, 40))
    return samples


def training_window(block, other, random):
    """A clean window for the teacher: a random part of `block` (float32, longer than a window) with musical variation."""
    start = random.integers(0, len(block) - int(1.35 * WINDOW))
    factor = np.exp(random.uniform(-0.25, 0.2)) if random.random() < 0.5 else 1.0
    window = speed(block[start:], factor)
    if other is not None and random.random() < 0.3:
        gain = 10 ** (random.uniform(-12, 0) / 20)
        window = 0.1 * (window / (window.std() + 1e-4) + gain * other[:WINDOW] / (other[:WINDOW].std() + 1e-4))
    if random.random() < 0.6:
        window = equalize(window, random)
    return window.astype(np.float32)
