"""Resumable training: the whole state of a training loop in one file, which is replaced atomically.

The loops draw their randomness from the seed and the step's number, so a resumed run gives the same result as an
uninterrupted one.
"""

import copy
import os

import numpy as np
import torch


class Averaged:
    """A running average of a network's parameters and buffers."""

    def __init__(self, net, keep):
        self.net, self.keep = copy.deepcopy(net), keep

    @torch.no_grad()
    def update(self, net, step):
        keep = min(self.keep, step / (step + 10))
        for old, new in zip(self.net.state_dict().values(), net.state_dict().values()):
            if old.is_floating_point():
                old.lerp_(new, 1 - keep)
            else:
                old.copy_(new)


def cosine(optimizer, steps, warm_up):
    """A learning rate that rises over `warm_up` steps and falls along a cosine to a hundredth."""
    rate = lambda step: min(1, (step + 1) / warm_up) * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * step / max(steps, 1))))
    return torch.optim.lr_scheduler.LambdaLR(optimizer, rate)


def random_of(seed, step):
    return np.random.default_rng([seed, step])


def save(path, step, curve, net, average, optimizer, schedule):
    temporary = path.with_suffix(".part")
    torch.save(
        {
            "step": step,
            "curve": curve,
            "net": net.state_dict(),
            "average": average.net.state_dict(),
            # The spelling in existing checkpoints.
            "optimiser": optimizer.state_dict(),  # spelling as stored
            "schedule": schedule.state_dict(),
        },
        temporary,
    )
    os.replace(temporary, path)


def resume(path, net, average, optimizer, schedule):
    """Loads everything from the file when it is there; returns the last finished step, and the curve."""
    if path is None or not path.exists():
        return 0, []
    state = torch.load(path, weights_only=False)
    net.load_state_dict(state["net"])
    average.net.load_state_dict(state["average"])
    optimizer.load_state_dict(state["optimiser"])  # spelling as stored
    schedule.load_state_dict(state["schedule"])
    return state["step"], state["curve"]
