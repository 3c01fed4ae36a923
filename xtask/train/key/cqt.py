"""A constant-Q transform of seven octaves in the graph: C1 to B7, 36 bins per octave, ten frames per second.

One bank of 36 complex filters, made for the highest octave, runs on seven copies of the signal, each decimated by two
from the one before. So the bank is small, and each octave costs half as much as the octave above it.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from settings import RATE

OCTAVES = 7
BINS_PER_OCTAVE = 36
BINS = OCTAVES * BINS_PER_OCTAVE
FRAME_SAMPLES = 1600
C7_HZ = 2093.0045
TAPS = 400


class ConstantQ(nn.Module):
    """Waveform [batch, samples] to magnitudes [batch, 252, samples / 1600 + 1]."""

    def __init__(self):
        super().__init__()
        quality = 1 / (2 ** (1 / BINS_PER_OCTAVE) - 1)
        n = np.arange(TAPS) - TAPS // 2
        bank = []
        for k in range(BINS_PER_OCTAVE):
            frequency = C7_HZ * 2 ** (k / BINS_PER_OCTAVE)
            length = quality * RATE / frequency
            window = np.where(np.abs(n) <= length / 2, 0.5 + 0.5 * np.cos(2 * np.pi * n / length), 0)
            bank.append(window / window.sum() * np.exp(2j * np.pi * frequency * n / RATE))
        bank = np.concatenate([np.real(bank), np.imag(bank)])
        m = np.arange(31) - 15
        low_pass = 0.5 * np.sinc(m / 2) * np.kaiser(31, 7)
        self.register_buffer("bank", torch.tensor(bank, dtype=torch.float32)[:, None])
        self.register_buffer("low_pass", torch.tensor(low_pass / low_pass.sum(), dtype=torch.float32)[None, None])

    def forward(self, waveform):
        signal, octaves = waveform[:, None], []
        for octave in range(OCTAVES):
            y = F.conv1d(signal, self.bank, stride=FRAME_SAMPLES >> octave, padding=TAPS // 2)
            octaves.append(torch.sqrt(y[:, :BINS_PER_OCTAVE] ** 2 + y[:, BINS_PER_OCTAVE:] ** 2 + 1e-10))
            if octave < OCTAVES - 1:
                signal = F.conv1d(signal, self.low_pass, stride=2, padding=15)
        return torch.cat(octaves[::-1], 1)


def compress(magnitudes):
    """The logarithm of magnitudes [batch, 252, frames], independent of level."""
    return torch.log(1 + 30 * magnitudes / (magnitudes.mean((1, 2), keepdim=True) + 1e-5))


def whiten(log):
    """The same minus the spectrum's envelope, a moving average over an octave; [batch, 252, frames]."""
    return log - F.avg_pool1d(log.mean(2)[:, None], 37, 1, 18, count_include_pad=False)[:, 0, :, None]
