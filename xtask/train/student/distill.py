"""Distills musicnn into its cheaper rearrangement.

The whole student is trained to give the teacher's pooled features, penultimate features and tags; the filters of the
front end learn more slowly than the rest. The result is a running average of the weights. Training starts from
musicnn's weights, or from those of the installed model when `export/restore.py` has written them.
"""

import copy

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import checkpoint
from curves import draw
from settings import WORK, device, log, record
from student.upper_bands import UpperBands
from teacher.port import Musicnn

# Every second frequency of the lower and every fourth of the higher filters; README.md has the alternatives.
STRIDES = (2, 4)
# Learning rate of the teacher's filters relative to the rest: they were trained on far more music than there is here.
FILTER_RATE = 0.2


def student_network(name="MSD"):
    """The student with musicnn's weights and unfitted upper bands."""
    return Musicnn(name, STRIDES, UpperBands())


def files_of_targets():
    return sorted((WORK / "targets").glob("[0-9]*.npz"))


def read(fields, files):
    """The fields of all target files, concatenated: a list of float16 arrays."""
    parts = [np.load(path) for path in files]
    return [np.concatenate([part[field] for part in parts]) for field in fields]


def read_views(files):
    """The student's views of each window of these files: [windows, views, 96, 313]."""
    augmented = [path.with_name(f"worn-{path.name}") for path in files]
    return np.concatenate(
        [np.concatenate([np.load(a)["mel"][:, None], np.load(b)["mel"]], 1) for a, b in zip(files, augmented)]
    )


def product_type():
    """The type of matrix products in training: bfloat16 is four times as fast when the CPU supports it."""
    return torch.bfloat16 if device() == "cpu" and torch.cpu.get_capabilities().get("avx512_bf16") else torch.float32


def highest_by_product(x, weight, stride):
    """Equals `port.highest`, as one matrix product without a gradient for `x`: several times as fast."""
    patches = (
        x[:, 0].detach().to(product_type()).unfold(1, weight.shape[2], stride[0]).unfold(2, weight.shape[3], stride[1])
    )
    filters = weight.flatten(1).T.to(patches.dtype)
    y = patches.reshape(-1, len(filters)) @ filters
    return y.view(*patches.shape[:3], -1).max(1).values.transpose(1, 2).float()


def run(net, mel):
    """Pooled [windows, 2, 1506] and penultimate features [windows, 2, 200] from spectrograms."""
    pooled = net.back.pool(net.back.middle(net.front(mel, highest_by_product)))
    return pooled, net.back.finish(pooled)


@torch.no_grad()
def features(net, mel, size=40):
    """Pooled [windows, 1506] and penultimate features [windows, 200], means of both patches, of float16 spectrograms."""
    batches = (torch.tensor(mel[i : i + size].astype(np.float32), device=device()) for i in range(0, len(mel), size))
    found = [run(net, batch) for batch in batches]
    return tuple(torch.cat([part[k] for part in found]).mean(1).cpu() for k in (0, 1))


class Loss(nn.Module):
    """Distance between student and teacher: penultimate features, pooled features and tags."""

    def __init__(self, teacher, pooled, penultimate):
        super().__init__()
        self.tags = copy.deepcopy(teacher.back.tags).requires_grad_(False)
        self.register_buffer("pooled_variance", torch.tensor(pooled.astype(np.float32).reshape(-1, 1506).var(0) + 1e-3))
        self.register_buffer("variance", torch.tensor(penultimate.astype(np.float32).reshape(-1, 200).var(0).mean()))

    def forward(self, pooled, penultimate, true_pooled, true_penultimate):
        near = ((penultimate - true_penultimate) ** 2).mean() / self.variance
        inner = ((pooled - true_pooled) ** 2 / self.pooled_variance).clamp(max=50).mean()
        tags = F.binary_cross_entropy_with_logits(self.tags(penultimate), torch.sigmoid(self.tags(true_penultimate)))
        return near + inner + tags, near


def fidelity(penultimate, truth, tags):
    """Fidelity on the held-out windows: explained share of variance, correlation of tags, agreement of the top tag."""
    error, spread = ((penultimate - truth) ** 2).sum(), ((truth - truth.mean(0)) ** 2).sum()
    with torch.no_grad():
        mine, theirs = torch.sigmoid(tags(penultimate)), torch.sigmoid(tags(truth))
    correlation = np.corrcoef(mine.flatten().numpy(), theirs.flatten().numpy())[0, 1]
    return {
        "r2": float(1 - error / spread),
        "cosine": float(F.cosine_similarity(penultimate, truth).mean()),
        "tag correlation": float(correlation),
        "same top tag": float((mine.argmax(1) == theirs.argmax(1)).float().mean()),
    }


def distill(steps, name="MSD", seed=0, rate=5e-4, size=32, every=100):
    """The student and its fidelity over the steps: (Musicnn, [(step, fidelity)]), also written to `msd.pt`."""
    key = name.lower()
    files = files_of_targets()
    pooled, truth = read([f"{key}_pooled", key], files)
    views, held = read_views(files), np.load(WORK / "targets" / "held_out.npz")
    held_truth = torch.tensor(held[key].astype(np.float32)).mean(1)
    teacher, student = Musicnn(name), student_network(name)
    if (start := WORK / f"{key}-start.pt").exists():
        student.load_state_dict(torch.load(start))
    student.front.upper.fit(np.load(WORK / "targets" / "clean.npz")["mel"].astype(np.float32))
    student.to(device())
    loss = Loss(teacher, pooled, truth).to(device())
    log(f"{name}: {len(views)} windows, {len(held_truth)} held out")

    def score(net):
        return fidelity(features(net, held["mel"])[1], held_truth, teacher.back.tags)

    filters = [p for n, p in student.named_parameters() if n.startswith(("front.timbral", "front.temporal"))]
    rest = [
        p
        for n, p in student.named_parameters()
        if n.startswith(("front.affines", "back.")) and not n.startswith("back.tags")
    ]
    optimizer = torch.optim.AdamW(
        [{"params": rest}, {"params": filters, "lr": rate * FILTER_RATE}], lr=rate, weight_decay=0
    )
    schedule = checkpoint.cosine(optimizer, steps, 30)
    average = checkpoint.Averaged(student, 0.995)
    state = WORK / f"{key}-checkpoint.pt"
    done, curve = checkpoint.resume(state, student, average, optimizer, schedule)
    curve = curve or [(0, score(student))]
    log(f"{name}, step {done}: {curve[-1][1]}")
    for step in range(done + 1, steps + 1):
        random = checkpoint.random_of(seed, step)
        chosen = random.integers(0, len(views), size)
        view = views[chosen, random.integers(0, views.shape[1], size)]
        mel, *wanted = (
            torch.tensor(rows.astype(np.float32), device=device()) for rows in (view, pooled[chosen], truth[chosen])
        )
        total, near = loss(*run(student, mel), *wanted)
        optimizer.zero_grad()
        total.backward()
        nn.utils.clip_grad_norm_(rest + filters, 5.0)
        optimizer.step()
        schedule.step()
        average.update(student, step)
        if step % every == 0 or step == steps:
            curve.append((step, score(average.net)))
            log(f"{name}, step {step} of {steps}: loss {near.item():.4f}, {curve[-1][1]}")
            checkpoint.save(state, step, curve, student, average, optimizer, schedule)
    record(key, curve[-1][1])
    draw(
        WORK / f"{key}.png",
        f"Distillation of {name}, held-out music",
        [row[0] for row in curve],
        {measure: [row[1][measure] for row in curve] for measure in ("r2", "cosine", "tag correlation")},
    )
    torch.save(average.net.cpu().state_dict(), WORK / f"{key}.pt")
    return average.net.eval(), curve
