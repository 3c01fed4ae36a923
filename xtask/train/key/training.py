"""Trains the key network: AdamW with a cosine schedule, and a running average of the weights as the result."""

import copy

import numpy as np
import torch
import torch.nn.functional as F

import checkpoint
from key.network import KeyNetwork
from key.sources import batch
from key.tuning import InTune
from settings import device, log


@torch.no_grad()
def predict(net, spectra):
    """Logits [pieces, 24] over each whole spectrum [252, frames]."""
    net.eval()
    where = next(net.parameters()).device
    in_tune = InTune().to(where)
    return torch.cat(
        [net(in_tune(torch.tensor(s[None].astype(np.float32), device=where))[0]).cpu() for s in spectra]
    ).numpy()


def train(sources, steps, seed, start=None, rate=3e-3, size=64, report=None, every=200, resume=None):
    """(network, curve): trained for `steps` batches from `sources`, from scratch or from the weights of `start`.

    `report`, a function of the averaged network, is called every `every` steps; its results are the curve. With `resume`,
    a path, an interrupted run resumes.
    """
    torch.manual_seed(seed)
    net = (copy.deepcopy(start) if start else KeyNetwork()).to(device())
    in_tune = InTune().to(device())
    average = checkpoint.Averaged(net, 0.99)
    optimizer = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=1e-2)
    schedule = checkpoint.cosine(optimizer, steps, 50)
    done, curve = checkpoint.resume(resume, net, average, optimizer, schedule)
    losses = []
    for step in range(done + 1, steps + 1):
        net.train()
        random = checkpoint.random_of(seed, step)
        torch.manual_seed(seed * 1_000_003 + step)
        # Windows of 2.5 s cost half and train as well; the excerpts are that short too.
        inputs, targets = (part.to(device()) for part in batch(sources, size, int(random.choice([26, 26, 51])), random))
        loss = -(targets * F.log_softmax(net.column_logits(in_tune(inputs)[0]), 2)).sum(2).mean(1).sum()
        optimizer.zero_grad()
        loss.backward()
        for column in net.columns:
            torch.nn.utils.clip_grad_norm_(column.parameters(), 2.0)
        optimizer.step()
        schedule.step()
        average.update(net, step)
        losses.append(loss.item() / len(net.columns))
        if report and (step % every == 0 or step == steps):
            curve.append((step, report(average.net)))
            log(f"key network, step {step} of {steps}: loss {np.mean(losses[-every:]):.3f}, {curve[-1][1]}")
            if resume:
                checkpoint.save(resume, step, curve, net, average, optimizer, schedule)
    return average.net.cpu().eval(), curve
