"""Scores of predicted keys. A key is tonic + 12 * minor."""

import numpy as np


def mirex(predicted, truth):
    """MIREX's weights: 1 for the key, 0.5 a fifth above, 0.3 relative, 0.2 parallel; an array."""
    predicted, truth = np.asarray(predicted), np.asarray(truth)
    step, same_mode = (predicted - truth) % 12, predicted // 12 == truth // 12
    relative = (
        np.where(predicted >= 12, (predicted % 12 - truth % 12) % 12 == 9, (predicted % 12 - truth % 12) % 12 == 3)
        & ~same_mode
    )
    return np.select(
        [predicted == truth, same_mode & (step == 7), relative, ~same_mode & (step == 0)], [1.0, 0.5, 0.3, 0.2], 0.0
    )
