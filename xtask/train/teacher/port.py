"""musicnn in PyTorch with the weights that TensorFlow had, and its cheaper rearrangement.

Pons and Serra, "musicnn: pre-trained convolutional neural networks for music audio tagging", 2019; ISC license.

Exact changes make it cheaper to run:

- The maximum over frequency comes before ReLU and batch normalization. Filters whose normalization has a negative gain
  are negated, so that the maximum stays a maximum.
- The two windows of 3 s in a window of 5 s share everything up to the pooling.
- The long temporal filters are laid out for 16 frames at once, so that a runtime copies each stretch of the spectrogram
  once instead of 16 times.

An inexact change, repaired by distillation, is `strides`: the two kinds of timbral filters may be evaluated at some
frequencies only. A network with strides is a student and has a module `upper` in front, which restores lost upper bands
(`student/upper_bands.py`); the teacher has none.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from data.spectrum import Mel
from settings import WORK

PATCH = 187
EPSILON = 1e-3
TIMBRAL = [(38, 7), (67, 7)]
TEMPORAL = [128, 64, 32]
# Frames that one staggered filter covers; 8 and 32 are slower.
AT_ONCE = 16


class Affine(nn.Module):
    """A batch normalization with frozen statistics: channel-wise gain and offset."""

    def __init__(self, channels):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(channels))
        self.offset = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        shape = [1, -1] + [1] * (x.dim() - 2)
        return x * self.gain.view(shape) + self.offset.view(shape)


def highest(x, weight, stride):
    """A convolution's maximum over frequency: [batch, 1, bands, frames] to [batch, channels, frames]."""
    y = F.conv2d(x, weight, stride=stride)
    return F.max_pool2d(y, (int(y.shape[2]), 1))[:, :, 0]


def staggered(weight):
    """Filters [channels, 1, 1, taps] as [16 channels, 1, 1, taps + 15]: 16 copies of each, each copy one frame later."""
    channels, taps = weight.shape[0], weight.shape[3]
    # Each row has one element more than it is read with, so each starts one frame later than the one before.
    rows = torch.cat([weight[:, 0], torch.zeros(channels, 1, AT_ONCE, device=weight.device)], 2).expand(
        channels, AT_ONCE, taps + AT_ONCE
    )
    return rows.reshape(channels, -1)[:, : AT_ONCE * (taps + AT_ONCE - 1)].reshape(
        channels * AT_ONCE, 1, 1, taps + AT_ONCE - 1
    )


class Front(nn.Module):
    """Spectrogram [batch, 96, frames] to 561 features per frame: 2 x 204 timbral, 3 x 51 temporal."""

    def __init__(self, strides=None, upper=None):
        super().__init__()
        self.strides = strides or (1, 1)
        self.upper = nn.Identity() if upper is None else upper
        self.input = Affine(1)
        self.timbral = nn.ModuleList(nn.Conv2d(1, 204, kernel) for kernel in TIMBRAL)
        self.temporal = nn.ModuleList(nn.Conv2d(1, 51, (1, kernel)) for kernel in TEMPORAL)
        self.affines = nn.ModuleList(Affine(n) for n in (204, 204, 51, 51, 51))
        for i, n in enumerate((204, 204, 51, 51, 51)):
            self.register_buffer(f"sign{i}", torch.ones(1, n, 1))

    def peaks(self, mel, highest=highest):
        """Maximum over frequency of each filter (negated when its gain is negative): five tensors."""
        x = (self.upper(mel) * self.input.gain + self.input.offset)[:, None]
        padded, found = F.pad(x, (3, 3)), []
        for conv, stride in zip(self.timbral, self.strides):
            found.append(highest(padded, conv.weight, (stride, 1)) + conv.bias[:, None])
        frames = int(mel.shape[2])
        rounds = -(-frames // AT_ONCE)
        for conv in self.temporal:
            taps = conv.kernel_size[1]
            padded = F.pad(x, ((taps - 1) // 2, taps // 2 + rounds * AT_ONCE - frames))
            y = highest(padded, staggered(conv.weight), (1, AT_ONCE)).unflatten(1, (-1, AT_ONCE))
            found.append(y.transpose(2, 3).flatten(2)[:, :, :frames] + conv.bias[:, None])
        return found

    def activate(self, peaks):
        """ReLU and normalization of the peaks: [batch, 561, frames / time_stride]."""
        return torch.cat(
            [a(F.relu(p * getattr(self, f"sign{i}"))) for i, (p, a) in enumerate(zip(peaks, self.affines))], 1
        )

    def forward(self, mel, highest=highest):
        return self.activate(self.peaks(mel, highest))


class Back(nn.Module):
    """561 features per frame to mid-end features [batch, 753, frames], penultimate [batch, 200] and tag logits [batch, 50]."""

    def __init__(self):
        super().__init__()
        self.mid = nn.ModuleList(nn.Conv1d(n, 64, 7) for n in (561, 64, 64))
        self.affines = nn.ModuleList(Affine(64) for _ in range(3))
        self.pooled = Affine(1506)
        self.dense = nn.Linear(1506, 200)
        self.penultimate = Affine(200)
        self.tags = nn.Linear(200, 50)

    def middle(self, features):
        first = self.dense_layer(0, features)
        second = self.dense_layer(1, first) + first
        third = self.dense_layer(2, second) + second
        return torch.cat([features, first, second, third], 1)

    def dense_layer(self, i, x):
        return self.affines[i](F.relu(self.mid[i](F.pad(x, (3, 3)))))

    def pool(self, middle):
        """Maximum and mean over the first and the last 3 s, interleaved: [batch, 2, 1506]."""
        parts = [middle[:, :, :PATCH], middle[:, :, int(middle.shape[2]) - PATCH :]]
        return torch.stack([torch.stack([p.amax(2), p.mean(2)], 2).flatten(1) for p in parts], 1)

    def finish(self, pooled):
        """Penultimate features from pooled features of any leading shape."""
        hidden = F.relu(self.dense(pooled * self.pooled.gain + self.pooled.offset))
        return hidden * self.penultimate.gain + self.penultimate.offset

    def forward(self, features):
        middle = self.middle(features)
        penultimate = self.finish(self.pool(middle)).mean(1)
        return middle, penultimate, self.tags(penultimate)


class Musicnn(nn.Module):
    """One of musicnn's two networks: `MSD` or `MTT`, with the teacher's weights."""

    def __init__(self, name, strides=None, upper=None):
        super().__init__()
        self.front, self.back = Front(strides, upper), Back()
        self._load(np.load(WORK / "teacher" / f"{name}.npz"))

    @torch.no_grad()
    def _load(self, values):
        def affine(module, number):
            prefix = "batch_normalization" + (f"_{number}" if number else "")
            gamma, beta, mean, variance = (
                values[f"{prefix}|{v}:0"] for v in ("gamma", "beta", "moving_mean", "moving_variance")
            )
            gain = gamma / np.sqrt(variance + EPSILON)
            module.gain.copy_(torch.tensor(gain))
            module.offset.copy_(torch.tensor(beta - mean * gain))

        def kernel(number):
            prefix = "conv2d" + (f"_{number}" if number else "")
            return torch.tensor(values[f"{prefix}|kernel:0"]), torch.tensor(values[f"{prefix}|bias:0"])

        front, back = self.front, self.back
        affine(front.input, 0)
        for i, conv in enumerate([*front.timbral, *front.temporal]):
            weight, bias = kernel(i)
            affine(front.affines[i], 1 + i)
            sign = torch.where(front.affines[i].gain < 0, -1.0, 1.0)
            conv.weight.copy_(weight.permute(3, 2, 1, 0) * sign.view(-1, 1, 1, 1))
            conv.bias.copy_(bias * sign)
            getattr(front, f"sign{i}").copy_(sign.view(1, -1, 1))
        for i, conv in enumerate(back.mid):
            weight, bias = kernel(5 + i)
            conv.weight.copy_(weight[:, :, 0].permute(2, 1, 0))
            conv.bias.copy_(bias)
            affine(back.affines[i], 6 + i)
        affine(back.pooled, 9)
        affine(back.penultimate, 10)
        for linear, prefix in ((back.dense, "dense"), (back.tags, "dense_1")):
            linear.weight.copy_(torch.tensor(values[f"{prefix}|kernel:0"]).T)
            linear.bias.copy_(torch.tensor(values[f"{prefix}|bias:0"]))

    def forward(self, mel):
        return self.back(self.front(mel))


def check_parity():
    """Compares the port with TensorFlow's and librosa's own results; raises when they differ."""
    reference = np.load(WORK / "teacher" / "mel.npz")
    with torch.no_grad():
        mel = Mel()(torch.tensor(reference["audio"])[None])[0].numpy()
        worst = {"mel": np.abs(mel - reference["mel"]).max()}
        for name in ("MSD", "MTT"):
            values = np.load(WORK / "teacher" / f"{name}.npz")
            _, penultimate, logits = Musicnn(name)(torch.tensor(values["patch"]).transpose(1, 2))
            worst[f"{name} penultimate"] = np.abs(penultimate.numpy() - values["penultimate"]).max()
            worst[f"{name} logits"] = np.abs(logits.numpy() - values["logits"]).max()
    if max(worst.values()) > 1e-3:
        raise ValueError(f"The port does not equal the teacher: {worst}")
    return {name: float(value) for name, value in worst.items()}
