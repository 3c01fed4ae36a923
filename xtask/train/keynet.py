"""The key network: convolutions over pitch and time, folded into twelve pitch classes, and circular from there on.

Transposing the music by a semitone rotates its hidden state and its output, by construction: what is learnt in one key
holds in all.
"""

import torch
import torch.nn.functional as F
from torch import nn

from cqt import OCTAVES

CHANNELS = 20
PITCH_CLASSES = 12


def circular(x, conv):
    """A convolution around the circle of pitch classes; [batch, channels, 12] to the same."""
    return conv(torch.cat([x, x[:, :, : PITCH_CLASSES - 1]], 2))


class KeyNet(nn.Module):
    """Compressed constant-Q spectra [batch, 2, 252, frames] to 24 logits: 12 major keys from C up, 12 minor."""

    def __init__(self, widths=(16, 24, 32)):
        super().__init__()
        a, b, c = widths
        self.first, self.second, self.third = (
            nn.Conv2d(2, a, (7, 3), padding=(3, 1)),
            nn.Conv2d(a, b, (7, 3), stride=(3, 1), padding=(3, 1)),
            nn.Conv2d(b, c, (25, 1), padding=(12, 0)),
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(n) for n in widths)
        self.register = nn.Parameter(torch.cat([torch.zeros(2, c, 84), torch.randn(1, c, 84) * 0.05]))
        self.folded_norm, self.middle_norm = nn.BatchNorm1d(3 * c), nn.BatchNorm1d(2 * CHANNELS)
        self.middle = nn.Conv1d(3 * c, 2 * CHANNELS, PITCH_CLASSES)
        self.last = nn.Conv1d(2 * CHANNELS, CHANNELS, PITCH_CLASSES)
        self.output = nn.Conv1d(CHANNELS, 2, PITCH_CLASSES)
        self.drop = nn.Dropout(0.2)

    def hidden(self, x):
        """[batch, 20, 12]: what the output, and so the key head, is linear in."""
        for conv, norm in zip((self.first, self.second, self.third), self.norms):
            x = F.elu(norm(conv(x)))
        mean = x.mean(3)
        spread = torch.sqrt(((x - mean[..., None]) ** 2).mean(3) + 1e-4)
        parts = [mean * (1 + self.register[0]), spread * (1 + self.register[1]), 3 * mean * self.register[2]]
        folded = torch.cat([p.reshape(-1, p.shape[1], OCTAVES, PITCH_CLASSES).mean(2) for p in parts], 1)
        z = F.elu(self.middle_norm(circular(self.drop(self.folded_norm(folded)), self.middle)))
        return F.elu(circular(self.drop(z), self.last))

    def forward(self, x):
        return circular(self.drop(self.hidden(x)), self.output).flatten(1)
