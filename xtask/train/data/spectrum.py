"""Waveform to level-normalized waveform to log-mel spectrogram, each as a differentiable and exportable module."""

import functools

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from settings import RMS, WORK

HOP = 256
FFT = 512
MELS = 96
LOG10_E = 0.4342944819


class Level(nn.Module):
    """Waveform [batch, samples] to (waveform of one RMS, its RMS before [batch, 1]).

    NaN samples become silence; the mean is removed. Below an RMS of 1e-4 (-80 dBFS) the gain stays constant.
    """

    def __init__(self, rms):
        super().__init__()
        self.rms = rms

    def forward(self, waveform):
        waveform = torch.where(torch.isnan(waveform), torch.zeros(()), waveform).clamp(-8, 8)
        waveform = waveform - waveform.mean(1, keepdim=True)
        rms = torch.sqrt((waveform * waveform).mean(1, keepdim=True) + 1e-12)
        return waveform * (self.rms / rms.clamp(min=1e-4)), rms


class Mel(nn.Module):
    """log10(10000 mel + 1), [batch, 96, frames]: musicnn's and librosa's spectrogram, the Fourier transform as a product.

    The cosines are gathered from a table of 512, so that the exported graph does not store them as a matrix.
    """

    def __init__(self):
        super().__init__()
        table = 2 * np.pi * np.arange(FFT) / FFT
        self.register_buffer("cosine", torch.tensor(np.cos(table), dtype=torch.float32))
        self.register_buffer("window", torch.tensor(0.5 - 0.5 * np.cos(table), dtype=torch.float32))
        self.register_buffer("bins", torch.arange(FFT // 2 + 1)[:, None])
        self.register_buffer("taps", torch.arange(FFT)[None])
        self.register_buffer("filters", torch.tensor(np.load(WORK / "teacher" / "mel.npz")["filters"])[:, :, None])

    def basis(self):
        """Windowed cosines and sines as filters [514, 1, 512]."""
        step = self.bins * self.taps
        real = self.cosine[torch.remainder(step, FFT)] * self.window
        imaginary = self.cosine[torch.remainder(step + FFT // 4, FFT)] * self.window
        return torch.cat([real, imaginary])[:, None]

    def forward(self, waveform):
        spectrum = F.conv1d(waveform[:, None], self.basis(), stride=HOP, padding=FFT // 2)
        bins = FFT // 2 + 1
        power = spectrum[:, :bins] ** 2 + spectrum[:, bins:] ** 2
        return torch.log(10_000 * F.conv1d(power, self.filters) + 1) * LOG10_E


@functools.cache
def level_and_mel():
    """The two modules, made once: the mel filters come from a file."""
    return Level(RMS), Mel()


@torch.no_grad()
def mel_of(waveform):
    """The spectrogram [96, frames] of samples [n], normalized to `RMS`."""
    level, mel = level_and_mel()
    return mel(level(torch.tensor(waveform[None], dtype=torch.float32))[0])[0].numpy()
