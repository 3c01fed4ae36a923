"""Restores upper mel bands that a recording has lost to an MP3, a narrow channel or an old tape.

musicnn reads cymbals and breath up to 8 kHz and takes music without them for other music. Linear regressions, fitted to
free music, predict each upper band from the bands below it, from the lowest up, so that each reads the predictions
before it. When the mean of a band over the window is far below its predicted mean, the band counts as lost and each of
its frames is raised to the prediction; other bands stay as they are.
"""

import itertools

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

MELS = 96
# From 3.5 kHz up; each stretch of bands is predicted from the `CONTEXT` bands below it.
EDGES = (70, 74, 78, 82, 86, 90, 96)
STRETCHES = list(itertools.pairwise(EDGES))
CONTEXT = 24
# Share of its predicted mean at which a band counts as half lost, and the softness of that threshold.
LOST, SOFTNESS = 0.35, 0.06
# Added to both means, so that silence does not count as a loss.
FLOOR = 0.02
# Mean above `EDGES[4]` from which a window has its upper bands and can be fitted to.
WHOLE = 0.1


class UpperBands(nn.Module):
    """Spectrogram [batch, 96, frames] to the same with lost bands restored; the identity until it is fitted."""

    def __init__(self):
        super().__init__()
        self.register_buffer("weight", torch.zeros(MELS - EDGES[0], CONTEXT))
        self.register_buffer("bias", torch.zeros(MELS - EDGES[0]))

    def fit(self, mel, frames=60_000, seed=0):
        """Fits to clean spectrograms [windows, 96, frames], numpy, without the windows that naturally lack upper bands."""
        whole = [window for window in mel if window[EDGES[4] :].mean() > WHOLE] or list(mel)
        rows = np.concatenate([window.T for window in whole]).astype(np.float64)
        rows = rows[np.random.default_rng(seed).permutation(len(rows))[:frames]]
        for low, high in STRETCHES:
            known, unknown = rows[:, low - CONTEXT : low], rows[:, low:high]
            centered = known - known.mean(0)
            weight = np.linalg.solve(
                centered.T @ centered / len(rows) + 1e-3 * np.eye(CONTEXT), centered.T @ unknown / len(rows)
            ).T
            self.weight[low - EDGES[0] : high - EDGES[0]] = torch.tensor(weight)
            self.bias[low - EDGES[0] : high - EDGES[0]] = torch.tensor(unknown.mean(0) - weight @ known.mean(0))
        return self

    def forward(self, mel):
        found = mel[:, : EDGES[0]]
        for low, high in STRETCHES:
            rows = slice(low - EDGES[0], high - EDGES[0])
            predicted = F.relu(F.conv1d(found[:, low - CONTEXT : low], self.weight[rows, :, None], self.bias[rows]))
            measured = mel[:, low:high]
            share = (measured.mean(2, keepdim=True) + FLOOR) / (predicted.mean(2, keepdim=True) + FLOOR)
            lost = torch.sigmoid((LOST - share) / SOFTNESS)
            found = torch.cat([found, measured + lost * F.relu(predicted - measured)], 1)
        return found
