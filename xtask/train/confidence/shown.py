"""What the engine shows of windows in order, as `engine/music` and `engine/heads` compute it: for fitting their constants.

Log probabilities are [windows, labels]; `HOP_S` seconds lie between two windows.
"""

import numpy as np

from calibration import softmax
from confidence import context
from confidence.tracks import HOP_S

WINDOW_S = 5
LEAST = 1e-4
CHANGING = 0.08


def log_probabilities(logits):
    """Floored as in the engine."""
    return np.log(np.maximum(softmax(logits), LEAST))


def live_evidence(logs, time_s):
    """After each window: the mean log probabilities [windows, labels], the weight of what was heard, and the mean distance
    of the windows from their mean.
    """
    mean, heard, apart, found = logs[0], 0.0, 0.0, []
    for window in logs:
        new = 1 - np.exp(-(WINDOW_S if heard == 0 else HOP_S) / time_s)
        heard = heard * np.exp(-HOP_S / time_s) + new
        apart += new / heard * (distance(window, mean) - apart)
        mean = mean + new / heard * (window - mean)
        found.append((mean, heard, apart))
    means, weights, distances = zip(*found)
    return np.array(means), np.array(weights), np.array(distances)


def file_evidence(logs):
    """The same of a whole file, as one row: each window counts by the square of how far it is from saying nothing."""
    weights = np.clip(1 + (np.exp(logs) * logs).sum(1) / np.log(logs.shape[1]), 1e-6, 1) ** 2
    means = np.cumsum(weights[:, None] * logs, 0) / np.cumsum(weights)[:, None]
    apart = [0.0, *(distance(window, mean) for window, mean in zip(logs[1:], means[:-1]))]
    return means[-1:], np.ones(1), np.array([(weights * apart).sum() / weights.sum()])


def distance(logs, mean):
    """Half the sum of absolute differences between two sets of probabilities, given their logarithms."""
    return 0.5 * np.abs(np.exp(logs) - softmax(mean[None])[0]).sum()


def figures(evidence, scale):
    """The probabilities shown, [windows, labels]; a sound that stays the same is worth one window."""
    means, heard, apart = evidence
    return softmax(scales(scale, heard, apart)[:, None] * means)


def scales(scale, heard, apart):
    """By what the log probabilities of each window are multiplied."""
    return 1 + (scale - 1) * heard * np.minimum(1, apart / CHANGING)


def evidence(logs, time_s, weights=None):
    """What `figures` reads of a track, live and of the file; with the weights of a context, these added."""
    parts = live_evidence(logs, time_s), file_evidence(logs)
    if weights is None:
        return parts
    # Of a file the newest window is the mean.
    newest = logs, parts[1][0]
    return tuple((context.applied(weights, part[0], new), *part[1:]) for part, new in zip(parts, newest))


def live(logs, constants):
    """The probabilities shown after each window, [windows, labels]."""
    return figures(evidence(logs, constants["time_s"], weights_of(constants))[0], constants["live"]["scale"])


def whole(logs, constants):
    """The probabilities shown of the file, [labels]."""
    return figures(evidence(logs, constants["time_s"], weights_of(constants))[1], constants["file"]["scale"])[0]


def weights_of(constants):
    if "context" not in constants:
        return None
    return tuple(np.array(constants["context"][part]) for part in ("kernel", "bias"))


def named(shown, limits):
    """The label that is named after each window, -1 for none."""
    labels, last = [], -1
    for probabilities in shown:
        best = int(probabilities.argmax())
        last = best if probabilities[best] >= limits["kept" if best == last else "named"] else -1
        labels.append(last)
    return np.array(labels)
