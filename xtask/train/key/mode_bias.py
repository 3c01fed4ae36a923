"""Fits the mode bias (`network.ModeBias`), and writes the held-out logits that the key head's temperature is fitted to.

The key network ignores timbre: in its training windows the timbre is independent of the mode. In real music it is not.
One number, linear in the MSD features, is added to all minor keys and subtracted from all major keys, so the twelve
tonics stay equal. Its weights are regularized, and the figures come again from folds that had no part in the fit.

Writes `key-leaning.pt`, and `key-held-out.npz` with the logits of the whole head.
"""

import numpy as np
import torch
import torch.nn.functional as F

from data.excerpts import folds
from key.network import ModeBias
from key.stage import FOLDS, figures
from layers import LAYERS
from settings import WORK, log, record, recorded

# Factor of the squared weights, for features scaled to one common deviation.
REGULARIZATION = 0.1
HALVES = torch.tensor([-0.5] * 12 + [0.5] * 12, dtype=torch.float64)


@torch.no_grad()
def timbres(encoder, excerpts):
    """MSD features and tags [excerpts, 250]."""
    layer = [name for name, _ in LAYERS].index("msd")
    return np.stack([encoder(torch.tensor(excerpt.window()[None]))[layer, :250].numpy() for excerpt in excerpts])


def fit(timbre, logits, keys):
    """The mode bias in units of `logits`. A gain of the logits is fitted beside it, so that the bias does not replace a gain."""
    mean, scale = timbre.mean(0), timbre.std()
    x, logits, keys = torch.tensor((timbre - mean) / scale).double(), torch.tensor(logits).double(), torch.tensor(keys)
    weight, bias, log_gain = (torch.zeros(n, dtype=torch.float64, requires_grad=True) for n in (x.shape[1], 1, 1))
    optimizer = torch.optim.LBFGS([weight, bias, log_gain], max_iter=100, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        whole = logits * torch.exp(log_gain) + (x @ weight + bias)[:, None] * HALVES
        loss = F.cross_entropy(whole, keys) + REGULARIZATION * (weight**2).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    mode_bias, inverse_gain = ModeBias(), np.exp(-log_gain.item())
    weight = weight.detach().numpy() / scale
    mode_bias.linear.weight.data = torch.tensor(weight[None] * inverse_gain).float()
    mode_bias.linear.bias.data = torch.tensor((bias.detach().numpy() - weight @ mean) * inverse_gain).float()
    return mode_bias


@torch.no_grad()
def with_mode_bias(mode_bias, timbre, logits):
    return logits + mode_bias(torch.tensor(timbre)).numpy() * HALVES.numpy().astype(np.float32)


def fit_mode_bias(encoder, excerpts):
    """Fits to the key network's held-out predictions, which its training has written; `encoder` gives the MSD features."""
    # A fit that fails leaves none behind.
    (WORK / "key-leaning.pt").unlink(missing_ok=True)
    excerpts = [excerpt for excerpt in excerpts if excerpt.key is not None]
    keys, logits = np.array([excerpt.key for excerpt in excerpts]), np.load(WORK / "key-network-held-out.npz")["logits"]
    timbre, whole = timbres(encoder, excerpts), np.zeros_like(logits)
    for part in folds([excerpt.group for excerpt in excerpts], FOLDS):
        rest = np.setdiff1d(np.arange(len(excerpts)), part)
        whole[part] = with_mode_bias(fit(timbre[rest], logits[rest], keys[rest]), timbre[part], logits[part])
    result = figures(whole, keys)
    log(f"key with the mode bias: {result}, without: {figures(logits, keys)}")
    record("key", {**recorded("key"), "with leaning, held out": result})
    np.savez(WORK / "key-held-out.npz", logits=whole, keys=keys, files=[excerpt.file for excerpt in excerpts])
    torch.save(fit(timbre, logits, keys).state_dict(), WORK / "key-leaning.pt")
