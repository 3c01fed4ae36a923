"""Temperatures and calibration errors of probabilities."""

import numpy as np
from scipy.optimize import minimize_scalar


def softmax(logits):
    e = np.exp(logits - logits.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def fit_temperature(logits, truth):
    """The divisor of the logits that minimizes the true labels' mean negative log-probability."""
    loss = lambda log_t: -np.log(softmax(logits / np.exp(log_t))[np.arange(len(truth)), truth] + 1e-9).mean()
    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def calibration_error(probabilities, truth, bins=10):
    """Expected calibration error of the top label, over bins of equal width."""
    top, right = probabilities.max(1), probabilities.argmax(1) == truth
    bin_of = np.minimum((top * bins).astype(int), bins - 1)
    return float(
        sum(abs(top[bin_of == b].mean() - right[bin_of == b].mean()) * (bin_of == b).mean() for b in set(bin_of))
    )
