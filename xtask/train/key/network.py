"""The key network: convolutions over pitch and time, folded into twelve pitch classes, and circular from there on.

Transposing the music by a semitone rotates the hidden state and the output, by construction: everything that the
network learns in one key holds in all keys. Three columns with different initial weights stand side by side, and their
logits are averaged: half of a single column's result on real music is luck.
"""

import torch
import torch.nn.functional as F
from torch import nn

from key.cqt import OCTAVES

COLUMNS = 3
COLUMN_CHANNELS = 7
CHANNELS = COLUMNS * COLUMN_CHANNELS
PITCH_CLASSES = 12
# Added to a variance, so that its root has a gradient.
SPREAD = 1e-4
HALF = torch.backends.cpu.get_cpu_capability() == "AVX512"


def circular(x, conv):
    """A convolution around the circle of pitch classes; [batch, channels, 12] to the same."""
    return conv(torch.cat([x, x[:, :, : PITCH_CLASSES - 1]], 2))


class Column(nn.Module):
    """The spectra of `tuning.py` [batch, 2, 252, frames] to a hidden state [batch, 7, 12]."""

    def __init__(self, widths=(16, 24, 32)):
        super().__init__()
        a, b, c = widths
        # Chords last longer than 0.4 s: with strides in time, three columns cost as much as one without.
        self.first, self.second, self.third = (
            nn.Conv2d(2, a, (7, 3), stride=(1, 2), padding=(3, 1)),
            nn.Conv2d(a, b, (7, 3), stride=(3, 2), padding=(3, 1)),
            nn.Conv2d(b, c, (25, 1), padding=(12, 0)),
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(n) for n in widths)
        self.register = nn.Parameter(torch.cat([torch.zeros(2, c, 84), torch.randn(1, c, 84) * 0.05]))
        self.folded_norm, self.middle_norm = nn.BatchNorm1d(3 * c), nn.BatchNorm1d(2 * COLUMN_CHANNELS)
        self.middle = nn.Conv1d(3 * c, 2 * COLUMN_CHANNELS, PITCH_CLASSES)
        self.last = nn.Conv1d(2 * COLUMN_CHANNELS, COLUMN_CHANNELS, PITCH_CLASSES)
        self.output = nn.Conv1d(COLUMN_CHANNELS, 2, PITCH_CLASSES)
        self.drop = nn.Dropout(0.2)

    def convolved(self, x):
        for conv, norm in zip((self.first, self.second, self.third), self.norms):
            x = F.elu(norm(conv(x)))
        return x

    def forward(self, x):
        # Half precision saves a third of the training's time on processors that support it.
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.training and HALF):
            x = self.convolved(x)
        x = x.float()
        mean = x.mean(3)
        spread = torch.sqrt(((x - mean[..., None]) ** 2).mean(3) + SPREAD)
        return self.folded(mean, spread)

    def folded(self, mean, spread):
        """The hidden state from the convolutions' mean and deviation over a stretch of time, [batch, 32, 84] each."""
        parts = [mean * (1 + self.register[0]), spread * (1 + self.register[1]), 3 * mean * self.register[2]]
        folded = torch.cat([p.reshape(-1, p.shape[1], OCTAVES, PITCH_CLASSES).mean(2) for p in parts], 1)
        z = F.elu(self.middle_norm(circular(self.drop(self.folded_norm(folded)), self.middle)))
        return F.elu(circular(self.drop(z), self.last))


class KeyNetwork(nn.Module):
    """The spectra of `tuning.py` to 24 logits: 12 major keys from C up, 12 minor."""

    def __init__(self):
        super().__init__()
        self.columns = nn.ModuleList(Column() for _ in range(COLUMNS))

    def hidden(self, x):
        """The hidden state [batch, 21, 12]; the logits, and so the key head, are linear in it."""
        return torch.cat([column(x) for column in self.columns], 1)

    def column_logits(self, x):
        """Each column's own logits, [columns, batch, 24]: in training, each column has its own loss."""
        return torch.stack([circular(column.drop(column(x)), column.output).flatten(1) for column in self.columns])

    def forward(self, x):
        return self.column_logits(x).mean(0)

    def output(self):
        """The output layer over all columns: weight [2, 21, 12] and bias [2]."""
        layers = [column.output for column in self.columns]
        return torch.cat([layer.weight for layer in layers], 1) / COLUMNS, sum(layer.bias for layer in layers) / COLUMNS


class ModeBias(nn.Module):
    """MSD features and tags [batch, 250] to the logits by which the timbre alone favors minor over major; [batch, 1].

    It is 0 until it is fitted (`mode_bias.py`). Country is mostly in major, metal in minor, and short excerpts often lack
    the third that would decide.
    """

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(250, 1)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, timbre):
        return self.linear(timbre)
