"""Restores the trained networks from the installed model, instead of the stages that train them.

The exported graph names its weights as PyTorch does, so `assets/embedded` holds everything that was trained, in half
precision. After that, the stages from `export` on can run with other excerpts, and `distil` continues from the
installed student instead of from musicnn itself. `figures.json` has the figures of the trainings that are not run
again.
"""

import shutil

import numpy as np
import onnx
import torch
from safetensors import safe_open

from export.encoder import Encoder
from export.model_folder import recall_figures
from key.network import CHANNELS, COLUMN_CHANNELS, COLUMNS, PITCH_CLASSES, KeyNetwork, ModeBias
from settings import ASSETS, WORK, log
from student.distill import student_network
from student.style import Adapter, Style


def weights(path):
    """All weights of an exported graph in single precision, {name: tensor}."""
    named = {
        tensor.name.removesuffix(".half"): onnx.numpy_helper.to_array(tensor)
        for tensor in onnx.load(path).graph.initializer
    }
    return {
        name: torch.tensor(values.astype(np.float32) if values.dtype == np.float16 else values)
        for name, values in named.items()
    }


def output_layer(path):
    """The key network's output layer, which the graph lacks: the inverse of `key.head.matrix`, the same in all columns."""
    with safe_open(path, "numpy") as file:
        weight, bias = (torch.tensor(file.get_tensor(name)) for name in ("weight", "bias"))
    rows = weight[::PITCH_CLASSES, : CHANNELS * PITCH_CLASSES].view(2, CHANNELS, PITCH_CLASSES) * COLUMNS
    found = {}
    for number, part in enumerate(rows.split(COLUMN_CHANNELS, 1)):
        found[f"key.columns.{number}.output.weight"], found[f"key.columns.{number}.output.bias"] = (
            part,
            bias[::PITCH_CLASSES],
        )
    return found


def restore(folder=ASSETS):
    """Writes `msd.pt`, `msd-start.pt`, `style.pt`, `key.pt`, `key-leaning.pt` and the figures."""
    parts = {
        "student": student_network(),
        "style": Style(),
        "adapter": Adapter(),
        "key": KeyNetwork(),
        "mode_bias": ModeBias(),
    }
    encoder, found = Encoder(**parts), {**weights(folder / "encoder.onnx"), **output_layer(folder / "key.safetensors")}
    encoder.load_state_dict(found)
    recall_figures()
    save = lambda state, name: torch.save(state, WORK / name)
    save(encoder.student.state_dict(), "msd.pt")
    shutil.copy(WORK / "msd.pt", WORK / "msd-start.pt")
    save({name: parts[name].state_dict() for name in ("style", "adapter")}, "style.pt")
    save({"model": encoder.key.state_dict()}, "key.pt")
    save(encoder.leaning.state_dict(), "key-leaning.pt")
    log(f"{len(found)} tensors of {folder / 'encoder.onnx'}")
