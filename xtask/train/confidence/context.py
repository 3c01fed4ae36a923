"""A head over the last half minute: from the mean log probabilities of the keys and those of the newest window to the
log probabilities that are shown.

It adds to the mean a circular convolution over the pitch classes, like the key network's last layer, so that transposed music
gives transposed figures: of four rows (the mean in major and minor, and by how much the newest window differs from it) to two, 96
weights and two biases. A sound that stays the same differs nowhere, so what is left there is the mean's part.
"""

import numpy as np
from scipy.optimize import minimize

from calibration import softmax

PITCH_CLASSES = 12
ROWS = 4
STEPS = 60
# The penalty of squared weights, and how many times as much those of the newest window cost: of .003 and .01, 1 and 8, the pair with
# the least loss in every fold.
PENALTY, NEWEST = 0.01, 8
SHAPE = (2, ROWS, PITCH_CLASSES)
# The convolution's input at output t and offset d is the pitch class t + d.
TURNED = (np.arange(PITCH_CLASSES)[:, None] + np.arange(PITCH_CLASSES)) % PITCH_CLASSES


def inputs(means, logs):
    """What the convolution reads, [windows, 12, 48], of mean and newest log probabilities [windows, 24]."""
    rows = np.concatenate([means, logs - means], 1).reshape(-1, ROWS, PITCH_CLASSES)
    return rows[:, :, TURNED].transpose(0, 2, 1, 3).reshape(len(rows), PITCH_CLASSES, -1)


def applied(weights, means, logs):
    """The log probabilities [windows, 24], not normalized, of mean and newest ones."""
    kernel, bias = weights
    moved = inputs(means, logs) @ kernel.reshape(2, -1).T + bias
    return means + moved.transpose(0, 2, 1).reshape(len(means), -1)


def fit(examples, scales):
    """The weights with the least loss of `examples`, per track (means, logs, true keys), each window's log probabilities multiplied
    by its of `scales`.
    """
    x = np.concatenate([inputs(means, logs) for means, logs, _ in examples]).reshape(-1, ROWS * PITCH_CLASSES)
    base = np.concatenate([means for means, _, _ in examples])
    truth = np.concatenate([np.asarray(keys) for _, _, keys in examples])
    shares = np.concatenate([np.full(len(keys), 1 / len(keys) / len(examples)) for _, _, keys in examples])
    factor = np.concatenate(scales)
    prices = PENALTY * np.repeat([1, 1, NEWEST, NEWEST], PITCH_CLASSES)
    one = np.eye(2 * PITCH_CLASSES)[truth]

    def objective(flat):
        kernel, bias = flat[:-2].reshape(2, -1), flat[-2:]
        moved = (x @ kernel.T + bias).reshape(-1, PITCH_CLASSES, 2).transpose(0, 2, 1).reshape(base.shape)
        p = softmax(factor[:, None] * (base + moved))
        loss = -(shares * np.log(np.maximum((p * one).sum(1), 1e-12))).sum()
        slope = ((p - one) * (shares * factor)[:, None]).reshape(-1, 2, PITCH_CLASSES)
        gradient = slope.transpose(1, 0, 2).reshape(2, -1) @ x + 2 * prices * kernel
        return loss + (prices * kernel**2).sum(), np.concatenate([gradient.ravel(), slope.sum((0, 2))])

    found = minimize(objective, np.zeros(np.prod(SHAPE) + 2), jac=True, method="L-BFGS-B", options={"maxiter": STEPS}).x
    return found[:-2].reshape(SHAPE), found[-2:]
