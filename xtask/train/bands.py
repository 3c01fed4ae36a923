"""Upper mel bands that a recording has lost, to an MP3, a narrow channel or an old tape, told from the bands below them.

musicnn hears cymbals and breath up to 8 kHz and takes music without them for other music. Where the mean of a band over
the window is far below what the bands under it let expect, the band is taken for lost, and each of its frames is raised to
that; others stay as they are. Its few weights are linear regressions on free music, band by band from the lowest up, so
that each reads what those before it have told.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

MELS = 96
# From 3.5 kHz up; each stretch of bands is told from as many as `CONTEXT` below it.
EDGES = (70, 74, 78, 82, 86, 90, 96)
STRETCHES = list(zip(EDGES[:-1], EDGES[1:]))
CONTEXT = 24
# Mean of a band over the window, of the mean that was told, at which it is half taken for lost, and how soft that is.
LOST, SOFTNESS = 0.35, 0.06
# A little in both means, so that silence is no loss.
FLOOR = 0.02
# Mean above `EDGES[4]` from which a window has its upper bands, and something can be learnt from it.
WHOLE = 0.1


class UpperBands(nn.Module):
    """Spectrogram [batch, 96, frames] to the same without losses; the same as it came until it is fitted."""

    def __init__(self):
        super().__init__()
        self.register_buffer("weight", torch.zeros(MELS - EDGES[0], CONTEXT))
        self.register_buffer("bias", torch.zeros(MELS - EDGES[0]))

    def fit(self, mel, frames=60_000, seed=0):
        """From clean spectrograms [windows, 96, frames], numpy; windows that lack upper bands by nature are left out."""
        whole = [window for window in mel if window[EDGES[4] :].mean() > WHOLE] or list(mel)
        rows = np.concatenate([window.T for window in whole]).astype(np.float64)
        rows = rows[np.random.default_rng(seed).permutation(len(rows))[:frames]]
        for low, high in STRETCHES:
            known, wanted = rows[:, low - CONTEXT : low], rows[:, low:high]
            near = known - known.mean(0)
            weight = np.linalg.solve(near.T @ near / len(rows) + 1e-3 * np.eye(CONTEXT), near.T @ wanted / len(rows)).T
            self.weight[low - EDGES[0] : high - EDGES[0]] = torch.tensor(weight)
            self.bias[low - EDGES[0] : high - EDGES[0]] = torch.tensor(wanted.mean(0) - weight @ known.mean(0))
        return self

    def forward(self, mel):
        found = mel[:, : EDGES[0]]
        for low, high in STRETCHES:
            rows = slice(low - EDGES[0], high - EDGES[0])
            told = F.relu(F.conv1d(found[:, low - CONTEXT : low], self.weight[rows, :, None], self.bias[rows]))
            heard = mel[:, low:high]
            share = (heard.mean(2, keepdim=True) + FLOOR) / (told.mean(2, keepdim=True) + FLOOR)
            lost = torch.sigmoid((LOST - share) / SOFTNESS)
            found = torch.cat([found, heard + lost * F.relu(told - heard)], 1)
        return found
