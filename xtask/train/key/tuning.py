"""The deviation of a window from A = 440 Hz, and its correction: the key network hears music in tune.

Peaks of the spectrum are measured to a fraction of a bin. Their distances to the nearest semitone are directions on a
circle (50 cents above one semitone is 50 cents below the next), and their weighted mean is a vector: its angle is the
deviation, its length the certainty. It is computed from one window alone and has no parameters that are trained.

"In tune" means relative to the nearest semitone: a record that plays 4 % faster (+68 cents) is heard a semitone higher,
32 cents flat of that.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from key.cqt import BINS, BINS_PER_OCTAVE, compress, whiten

SEMITONE_BINS = BINS_PER_OCTAVE // 12
# Octaves from C2 to B5: below, bins are wider than the deviations of drums' pitches; above are mostly overtones, of which
# the fifth and the seventh are off the semitones.
LOWEST, BEYOND = BINS_PER_OCTAVE, 5 * BINS_PER_OCTAVE
# Frames of a mean, half a second, and the step from one mean to the next: notes last, peaks of noise don't.
MEAN_FRAMES, STEP_FRAMES = 5, 2
# Added to the weights' sum, so that silence has no certainty.
NO_WEIGHT = 1e-3
# From this share of the weight in a single pitch class on, a sum over one octave as a vector, the certainty sinks: one tone
# has a pitch and no tuning.
MOST_IN_ONE = 0.5
# The length of the vector by which music is in tune beforehand: weak evidence is corrected by less.
PRIOR = 0.1


class InTune(nn.Module):
    """Magnitudes [batch, 252, frames] to the key network's spectra [batch, 2, 252, frames] and the deviation that was
    corrected in them, a vector [batch, 2].

    The two channels are the logarithm and its whitened form.
    """

    def __init__(self):
        super().__init__()
        bin_of = torch.arange(LOWEST, BEYOND)
        circle = lambda period: (2 * np.pi / period * torch.remainder(bin_of, period)).float()[None, :, None]
        self.register_buffer("semitone", circle(SEMITONE_BINS))
        self.register_buffer("octave", circle(BINS_PER_OCTAVE))
        self.register_buffer("bins", torch.arange(BINS).float())

    def forward(self, magnitudes):
        log = compress(magnitudes)
        deviation = self.deviation(whiten(log))
        log = self.moved(log, self.shift(deviation))
        return torch.stack([log - 1.5, whiten(log)], 1), deviation

    def deviation(self, whitened):
        """The vector [batch, 2] of a whitened spectrum [batch, 252, frames]."""
        mean = F.avg_pool1d(whitened[:, LOWEST - 1 : BEYOND + 1], MEAN_FRAMES, STEP_FRAMES)
        below, here, above = mean[:, :-2], mean[:, 1:-1], mean[:, 2:]
        is_peak = ((here > below) & (here >= above)).float()
        # The vertex of the parabola through three bins; a lower bound of its curvature keeps flat tops finite.
        offset = (0.5 * (below - above) / (below - 2 * here + above).clamp(max=-1e-4)).clamp(-0.5, 0.5)
        weight = torch.relu(here) ** 2 * is_peak
        whole = weight.sum((1, 2)) + NO_WEIGHT
        vector = lambda angle: [(weight * part(angle)).sum((1, 2)) / whole for part in (torch.cos, torch.sin)]
        x, y = vector(self.semitone + 2 * np.pi / SEMITONE_BINS * offset)
        in_one = torch.sqrt(sum(part * part for part in vector(self.octave)))
        certain = ((1 - in_one) / (1 - MOST_IN_ONE)).clamp(0, 1)
        return torch.stack([x * certain, y * certain], 1)

    def shift(self, deviation):
        """Bins by which to move a spectrum down, [batch]. Opset 17 has no arc tangent of two arguments, hence half the angle."""
        x, y = deviation[:, 0] + PRIOR, deviation[:, 1]
        half = torch.atan(y / (torch.sqrt(x * x + y * y) + x).clamp(min=1e-6))
        return 2 * half / (2 * np.pi) * SEMITONE_BINS

    def moved(self, log, bins):
        """The spectrum [batch, 252, frames] moved down by a fraction of bins [batch], by cubic interpolation (Keys 1981,
        a = -1/2); the empty bins are zero."""
        away = (self.bins[None, None, :] - self.bins[None, :, None] - bins[:, None, None]).abs().clamp(max=2)
        near = (1.5 * away - 2.5) * away * away + 1
        far = ((2.5 - 0.5 * away) * away - 4) * away + 2
        return torch.where(away < 1, near, far) @ log
