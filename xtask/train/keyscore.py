"""How good named keys are. A key is tonic + 12 * minor."""

import numpy as np


def mirex(guess, truth):
    """MIREX's weights: 1 for the key, 0.5 a fifth above, 0.3 relative, 0.2 parallel; an array."""
    guess, truth = np.asarray(guess), np.asarray(truth)
    step, same_mode = (guess - truth) % 12, guess // 12 == truth // 12
    relative = np.where(guess >= 12, (guess % 12 - truth % 12) % 12 == 9, (guess % 12 - truth % 12) % 12 == 3) & ~same_mode
    return np.select([guess == truth, same_mode & (step == 7), relative, ~same_mode & (step == 0)], [1.0, 0.5, 0.3, 0.2], 0.0)
