"""What is made of the student's pooled features: the style layer, and musicnn's MTT network.

The 1,506 pooled features tell genres apart better than the 200 penultimate ones (see README.md). Their first 256 principal
components are the style layer. They are turned by a fixed random rotation, so that all dimensions have about one scale:
heads that standardise each of them then don't blow up the small components, which cost accuracy. The MTT network is not
run: a small network tells its penultimate features from style and MSD features.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from distil import features, fidelity, files_of_targets, read
from port import Musicnn
from settings import WORK, log, record

STYLE = 256


class Style(nn.Module):
    """Pooled features [batch, 1506] to their principal components [batch, 256]."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(1506))
        self.register_buffer("projection", torch.zeros(1506, STYLE))

    def fit(self, pooled):
        """Share of variance kept, of features scaled to a variance of one each."""
        scale = pooled.std(0) + 1e-3
        values, vectors = torch.linalg.eigh(torch.cov(((pooled - pooled.mean(0)) / scale).T))
        self.mean.copy_(pooled.mean(0))
        rotation, _ = torch.linalg.qr(torch.randn(STYLE, STYLE, generator=torch.Generator().manual_seed(0)))
        self.projection.copy_(vectors[:, -STYLE:] / scale[:, None] @ rotation)
        return float(values[-STYLE:].sum() / values.sum())

    def forward(self, pooled):
        return (pooled - self.mean) @ self.projection


class Adapter(nn.Module):
    """Style [batch, 256] and MSD's penultimate features [batch, 200] to MTT's penultimate features and tag logits."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(STYLE + 200))
        self.register_buffer("scale", torch.ones(STYLE + 200))
        self.hidden, self.output = nn.Linear(STYLE + 200, 256), nn.Linear(256, 200)
        self.tags = nn.Linear(200, 50)
        self.drop = nn.Dropout(0.1)

    def forward(self, style, msd):
        x = (torch.cat([style, msd], 1) - self.mean) / self.scale
        penultimate = self.output(self.drop(F.relu(self.hidden(x))))
        return penultimate, self.tags(penultimate)


def fit_adapter(inputs, truth, steps, seed):
    torch.manual_seed(seed)
    adapter = Adapter()
    adapter.tags.load_state_dict(Musicnn("MTT").back.tags.state_dict())
    adapter.tags.requires_grad_(False)
    adapter.mean.copy_(inputs.mean(0))
    adapter.scale.copy_(inputs.std(0).mean())
    optimiser = torch.optim.AdamW([p for p in adapter.parameters() if p.requires_grad], lr=2e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        chosen = torch.randint(len(inputs), (128,))
        penultimate, tags = adapter(inputs[chosen][:, :STYLE], inputs[chosen][:, STYLE:])
        true_tags = torch.sigmoid(adapter.tags(truth[chosen]))
        loss = ((penultimate - truth[chosen]) ** 2).mean() / truth.var(0).mean() + F.binary_cross_entropy_with_logits(tags, true_tags)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return adapter.eval()


def fit_style(student, steps=1500, seed=0):
    """(Style, Adapter, figures) from the student's features of all target windows."""
    held = np.load(WORK / "targets" / "held_out.npz")
    mel, truth = read(["mel", "mtt"], files_of_targets())

    mean = lambda rows: torch.tensor(rows.astype(np.float32)).mean(1)
    pooled, msd = features(student, mel)
    held_pooled, held_msd = features(student, held["mel"])
    style = Style()
    kept = style.fit(pooled)
    adapter = fit_adapter(torch.cat([style(pooled), msd], 1), mean(truth), steps, seed)
    with torch.no_grad():
        figures = fidelity(adapter(style(held_pooled), held_msd)[0], mean(held["mtt"]), adapter.tags)
    log(f"style keeps {kept:.3f} of the variance; MTT from it: {figures}")
    record("mtt", {**figures, "variance kept": kept})
    torch.save({"style": style.state_dict(), "adapter": adapter.state_dict(), "kept": kept, "mtt": figures}, WORK / "style.pt")
    return style, adapter, figures
