"""The tuning head: the matrix that selects the deviation, a vector that `tuning.py` has measured, from the key layer.

Nothing is fitted to labels.
"""

import json

import numpy as np
from safetensors.numpy import save_file

from key.network import CHANNELS, PITCH_CLASSES
from layers import LAYERS, WIDTH

# Behind the key network's channels and the mode bias.
FIRST = CHANNELS * PITCH_CLASSES + 1


def write_tuning_head(path, encoder_sha256):
    """Writes the head."""
    weight = np.zeros((2, WIDTH), np.float32)
    weight[[0, 1], [FIRST, FIRST + 1]] = 1
    metadata = {
        "task": "tuning",
        "labels": json.dumps(["cosine of the deviation", "sine of the deviation"]),
        "layers": json.dumps([[name for name, _ in LAYERS].index("key")]),
        "outputs": "regression",
        "temperature": "1",
        "encoder_sha256": encoder_sha256,
        "training_data": "none: the angle and the length of a mean over the spectrum's peaks",
        "licence": "MIT or Apache-2.0",
    }
    save_file({"weight": weight, "bias": np.zeros(2, np.float32)}, path, metadata=metadata)
    path.chmod(0o644)
