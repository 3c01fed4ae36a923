"""Fits how the timbre leans to minor or major (`keynet.Leaning`), and the key head's temperature with it.

The key network hears no timbre: it is trained on windows whose timbre says nothing about their mode. In real music it does.
One number, linear in the MSD features, is added to all minor keys and taken from all major ones; twelve tonics stay equal.
Its weights are held down, and the figures are again of folds that had no part in the fit.

Writes `key-leaning.pt`, and `key-held-out.npz` with the logits of the whole head.
"""

import numpy as np
import torch
import torch.nn.functional as F

from encoder import LAYERS, assemble
from keynet import Leaning
from keystage import FOLDS, figures
from labelled import folds
from settings import WORK, log, record, recorded

# Of the squared weights of features scaled to one common deviation.
HOLD = 0.1
HALVES = torch.tensor([-0.5] * 12 + [0.5] * 12, dtype=torch.float64)


@torch.no_grad()
def timbres(excerpts):
    """MSD features and tags [excerpts, 250]."""
    encoder, layer = assemble(), [name for name, _ in LAYERS].index("msd")
    return np.stack([encoder(torch.tensor(excerpt.window()[None]))[layer, :250].numpy() for excerpt in excerpts])


def fit(timbre, logits, keys):
    """A leaning in units of `logits`; how sure they are on the whole is fitted beside it, so that it does not lean instead."""
    mean, scale = timbre.mean(0), timbre.std()
    x, logits, keys = torch.tensor((timbre - mean) / scale).double(), torch.tensor(logits).double(), torch.tensor(keys)
    weight, bias, sureness = (torch.zeros(n, dtype=torch.float64, requires_grad=True) for n in (x.shape[1], 1, 1))
    optimiser = torch.optim.LBFGS([weight, bias, sureness], max_iter=100, line_search_fn="strong_wolfe")

    def closure():
        optimiser.zero_grad()
        whole = logits * torch.exp(sureness) + (x @ weight + bias)[:, None] * HALVES
        loss = F.cross_entropy(whole, keys) + HOLD * (weight**2).sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    leaning, gain = Leaning(), np.exp(-sureness.item())
    weight = weight.detach().numpy() / scale
    leaning.linear.weight.data = torch.tensor(weight[None] * gain).float()
    leaning.linear.bias.data = torch.tensor((bias.detach().numpy() - weight @ mean) * gain).float()
    return leaning


@torch.no_grad()
def leaned(leaning, timbre, logits):
    return logits + leaning(torch.tensor(timbre)).numpy() * HALVES.numpy().astype(np.float32)


def fit_leaning(excerpts):
    """Needs the key network's answers on excerpts that it has not seen, which its training leaves."""
    (WORK / "key-leaning.pt").unlink(missing_ok=True)
    excerpts = [excerpt for excerpt in excerpts if excerpt.key is not None]
    keys, logits = np.array([excerpt.key for excerpt in excerpts]), np.load(WORK / "key-network-held-out.npz")["logits"]
    timbre, whole = timbres(excerpts), np.zeros_like(logits)
    for part in folds([excerpt.group for excerpt in excerpts], FOLDS):
        rest = np.setdiff1d(np.arange(len(excerpts)), part)
        whole[part] = leaned(fit(timbre[rest], logits[rest], keys[rest]), timbre[part], logits[part])
    result = figures(whole, keys)
    log(f"key with the timbre's leaning: {result}, without: {figures(logits, keys)}")
    record("key", {**recorded("key"), "with leaning, held out": result})
    np.savez(WORK / "key-held-out.npz", logits=whole, keys=keys, files=[excerpt.file for excerpt in excerpts])
    torch.save(fit(timbre, logits, keys).state_dict(), WORK / "key-leaning.pt")
