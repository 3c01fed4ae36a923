"""The style layer and the adapter for musicnn's MTT network, both computed from the student's features.

The 1,506 pooled features separate genres better than the 200 penultimate features, and the 50 tags add to them (see
README.md). The style layer is 256 principal components of both, fitted to free music and to labeled excerpts, after
attenuation of the directions in which augmentation moves a window. A head with small weights therefore relies on the
directions that augmentation leaves alone. A constant random rotation gives all dimensions about one scale: heads that
standardize each dimension then don't amplify the small components, which reduced accuracy.

The MTT network is not run: a small network, the adapter, predicts its penultimate features from style and MSD features.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from data.spectrum import mel_of
from settings import WORK, log, record, session
from student.distill import fidelity, files_of_targets, read, read_views
from teacher.port import Musicnn

STYLE = 256
POOLED, TAGS = 1506, 50
# Standard deviation of all tags together relative to that of all pooled features together.
TAG_SHARE = 0.5
# Variance due to augmentation, for features of unit variance, at which a direction is halved in power.
AUGMENTATION_VARIANCE = 0.1
# Windows whose augmented views are used: enough for the statistics; each costs three runs of the network.
AUGMENTED_WINDOWS = 1500


class Style(nn.Module):
    """Pooled features [batch, 1506] and tag logits [batch, 50] to their principal components [batch, 256]."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(POOLED + TAGS))
        self.register_buffer("projection", torch.zeros(POOLED + TAGS, STYLE))

    def fit(self, views, excerpts):
        """Fits to [windows, views, 1556] and to [excerpts, 1556] of other music, which count as much as all windows together
        when there are any; returns the share of the remaining variance that the components keep."""
        windows = views.mean(1)
        kinds = [windows, excerpts] if len(excerpts) else [windows]
        mean = lambda statistic: torch.stack([statistic(kind) for kind in kinds]).mean(0)
        scale = mean(lambda kind: kind.var(0)).sqrt() + 1e-3
        scale[POOLED:] /= TAG_SHARE * (POOLED / TAGS) ** 0.5
        self.mean.copy_(mean(lambda kind: kind.mean(0)))
        moved = ((views - windows[:, None]) / scale).flatten(0, 1)
        variances, directions = torch.linalg.eigh(moved.T @ moved / (len(moved) - len(views)))
        attenuation = (
            directions
            * torch.sqrt(AUGMENTATION_VARIANCE / (variances.clamp(min=0) + AUGMENTATION_VARIANCE))
            @ directions.T
            / scale[:, None]
        )
        values, vectors = torch.linalg.eigh(mean(lambda kind: torch.cov((kind @ attenuation).T)))
        rotation, _ = torch.linalg.qr(torch.randn(STYLE, STYLE, generator=torch.Generator().manual_seed(0)))
        self.projection.copy_(attenuation @ vectors[:, -STYLE:] @ rotation)
        return float(values[-STYLE:].sum() / values.sum())

    def forward(self, pooled, tags):
        return (torch.cat([pooled, tags], 1) - self.mean) @ self.projection


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
        x = self.drop((torch.cat([style, msd], 1) - self.mean) / self.scale)
        penultimate = self.output(self.drop(F.relu(self.hidden(x))))
        return penultimate, self.tags(penultimate)


def fit_adapter(inputs, truth, steps, seed):
    torch.manual_seed(seed)
    adapter = Adapter()
    adapter.tags.load_state_dict(Musicnn("MTT").back.tags.state_dict())
    adapter.tags.requires_grad_(False)
    adapter.mean.copy_(inputs.mean(0))
    adapter.scale.copy_(inputs.std(0) + 1e-3)
    optimizer = torch.optim.AdamW([p for p in adapter.parameters() if p.requires_grad], lr=1e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        chosen = torch.randint(len(inputs), (128,))
        penultimate, tags = adapter(inputs[chosen][:, :STYLE], inputs[chosen][:, STYLE:])
        true_tags = torch.sigmoid(adapter.tags(truth[chosen]))
        loss = ((penultimate - truth[chosen]) ** 2).mean() / truth.var(0).mean() + F.binary_cross_entropy_with_logits(
            tags, true_tags
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return adapter.eval()


class PooledFeatures(nn.Module):
    """Spectrogram [1, 96, 313] to pooled features with tag logits [1, 1556], and penultimate features [1, 200]."""

    def __init__(self, student):
        super().__init__()
        self.student = student

    def forward(self, mel):
        back = self.student.back
        pooled = back.pool(back.middle(self.student.front(mel)))
        msd = back.finish(pooled).mean(1)
        return torch.cat([pooled.mean(1), back.tags(msd)], 1), msd


def pooled_features(student, mel):
    """`PooledFeatures` of float16 spectrograms [windows, 96, 313], by ONNX Runtime, which is many times as fast as PyTorch."""
    path = WORK / "pooled-features.onnx"
    torch.onnx.export(
        PooledFeatures(student.cpu()).eval(),
        (torch.zeros(1, *mel.shape[1:]),),
        path,
        opset_version=17,
        dynamo=False,
        input_names=["mel"],
        output_names=["pooled", "msd"],
    )
    network = session(path)
    found = [network.run(None, {"mel": window[None].astype(np.float32)}) for window in mel]
    return tuple(torch.tensor(np.concatenate(rows)) for rows in zip(*found))


def fit_style(student, excerpts=(), steps=1500, seed=0):
    """(Style, Adapter, figures) from the student's features of all target windows and of the excerpts, without their labels:
    Debian's music differs from the music that has genre labels."""
    files = files_of_targets()
    held = np.load(WORK / "targets" / "held_out.npz")
    (truth,), views = read(["mtt"], files), read_views(files)
    mean = lambda rows: torch.tensor(rows.astype(np.float32)).mean(1)
    chosen = np.random.default_rng(seed).permutation(len(views))[:AUGMENTED_WINDOWS]
    # The first view of every window, then the other views of the windows in `chosen`.
    found = [pooled_features(student, views[:, 0])] + [
        pooled_features(student, views[chosen, view]) for view in range(1, views.shape[1])
    ]
    style, others = (
        Style(),
        pooled_features(student, np.stack([mel_of(excerpt.window()) for excerpt in excerpts]))[0] if excerpts else [],
    )
    kept = style.fit(torch.stack([found[0][0][chosen], *(both for both, _ in found[1:])], 1), others)
    split = lambda both: (both[:, :POOLED], both[:, POOLED:])
    truth = mean(truth)
    rows = [torch.cat([style(*split(both)), msd], 1) for both, msd in found]
    adapter = fit_adapter(torch.cat(rows), torch.cat([truth] + [truth[chosen]] * (len(rows) - 1)), steps, seed)
    held_first, held_msd = pooled_features(student, held["mel"])
    with torch.no_grad():
        figures = fidelity(adapter(style(*split(held_first)), held_msd)[0], mean(held["mtt"]), adapter.tags)
    log(f"style keeps {kept:.3f} of the variance; MTT from it: {figures}")
    record("mtt", {**figures, "variance kept": kept})
    torch.save(
        {"style": style.state_dict(), "adapter": adapter.state_dict(), "kept": kept, "mtt": figures}, WORK / "style.pt"
    )
    return style, adapter, figures
