"""The key head: the key network's own output layer as the matrix that an engine's head is, and the mode bias, half of
it added to the minor keys and half of it subtracted from the major keys.
"""

import json

import numpy as np
import torch
from safetensors.numpy import save_file

from calibration import calibration_error, fit_temperature, softmax
from data.harmony import FLATS
from key.network import CHANNELS, PITCH_CLASSES, KeyNetwork
from layers import LAYERS, WIDTH
from settings import WORK, record, recorded

# Mean probability over windows from which a key is named: above all noise in `card/measure.py`; below it less than one in
# three held-out predictions is right.
CLEAR = 0.25
LABELS = [f"{tonic} {mode}" for mode in ("major", "minor") for tonic in FLATS]


def matrix(weight, bias):
    """The circular convolution [2, 21, 12] as a matrix [24, 256], and its bias [24]."""
    full = np.zeros((24, WIDTH), np.float32)
    for mode in range(2):
        for tonic in range(PITCH_CLASSES):
            for step in range(PITCH_CLASSES):
                full[mode * 12 + tonic, np.arange(CHANNELS) * 12 + (tonic + step) % 12] = weight[mode, :, step]
    full[:, CHANNELS * PITCH_CLASSES] = np.repeat([-0.5, 0.5], 12)
    return full, np.repeat(bias, 12).astype(np.float32)


def write_key_head(path, encoder_sha256):
    """Writes the head. Its temperature is fitted to held-out predictions when there are any; it is the installed model's when
    that network was restored; otherwise it is 1."""
    saved = torch.load(WORK / "key.pt", weights_only=False)
    net = KeyNetwork()
    net.load_state_dict(saved["model"])
    weight, bias = matrix(*(values.detach().numpy() for values in net.output()))
    figures, held_out = recorded("key"), WORK / "key-held-out.npz"
    if held_out.exists():
        data = np.load(held_out)
        temperature, excerpts = fit_temperature(data["logits"], data["keys"]), len(data["keys"])
        probabilities = softmax(data["logits"] / temperature)
        named = probabilities.max(1) >= CLEAR
        right = probabilities.argmax(1) == data["keys"]
        metrics = {
            **figures["with leaning, held out"],
            "calibration error": calibration_error(probabilities, data["keys"]),
            "named": float(named.mean()),
            "right of named": float(right[named].mean()),
            "right of others": float(right[~named].mean()),
        }
        figures["head"] = {**metrics, "temperature": temperature, "excerpts": excerpts}
    elif "head" in figures:
        metrics = dict(figures["head"])
        temperature, excerpts = metrics.pop("temperature"), metrics.pop("excerpts")
    else:
        metrics, temperature, excerpts = figures["rendered only"]["rendered"], 1.0, 0
    # The texts are those of the installed head.
    metadata = {
        "task": "key",
        "labels": json.dumps(LABELS),
        "layers": json.dumps([[name for name, _ in LAYERS].index("key")]),
        "temperature": f"{temperature:.4f}",
        "threshold": str(CLEAR),
        "encoder_sha256": encoder_sha256,
        "metrics": json.dumps(metrics),
        "training_data": "songs made by MMA and rendered with MIT-licensed soundfonts, keys exact; free music labelled by an earlier network and essentia"  # spelling as stored
        + (
            f"; {excerpts} labelled excerpts, transposed to all keys; figures from five folds that had not seen them"  # spelling as stored
            if excerpts
            else ""
        ),
        "licence": "MIT or Apache-2.0",
    }
    save_file({"weight": weight, "bias": bias}, path, metadata=metadata)
    record("key", figures)
