"""Takes the trained networks out of the installed model, in the place of the stages that train them.

The exported graph names its weights like PyTorch does, so that `assets/embedded` holds all that was learnt, in half precision.
From there, the stages from `export` on can be run on other excerpts, and `distil` goes on from the installed student
instead of from musicnn itself. `figures.json` has what was measured of the trainings that are not run again.
"""

import json
import shutil

import numpy as np
import onnx
import torch
from safetensors import safe_open

from distil import STRIDES
from encoder import Encoder
from folder import FIGURES
from keynet import CHANNELS, COLUMN_CHANNELS, COLUMNS, PITCH_CLASSES, KeyNet, Leaning
from port import Musicnn
from settings import ASSETS, WORK, log, record
from style import Adapter, Style


def weights(path):
    """{name: tensor} of all weights of an exported graph, in single precision."""
    named = {tensor.name.removesuffix(".half"): onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}
    return {name: torch.tensor(values.astype(np.float32) if values.dtype == np.float16 else values) for name, values in named.items()}


def output_layer(path):
    """The key network's output layer, which the graph does not have: the inverse of `keyhead.matrix`, the same in all columns."""
    with safe_open(path, "numpy") as file:
        weight, bias = (torch.tensor(file.get_tensor(name)) for name in ("weight", "bias"))
    rows = weight[::PITCH_CLASSES, : CHANNELS * PITCH_CLASSES].view(2, CHANNELS, PITCH_CLASSES) * COLUMNS
    found = {}
    for number, part in enumerate(rows.split(COLUMN_CHANNELS, 1)):
        found[f"key.columns.{number}.output.weight"], found[f"key.columns.{number}.output.bias"] = part, bias[::PITCH_CLASSES]
    return found


def restore(folder=ASSETS):
    """Writes `msd.pt`, `msd-start.pt`, `style.pt`, `key.pt`, `key-leaning.pt` and the figures."""
    parts = {"student": Musicnn("MSD", STRIDES), "style": Style(), "adapter": Adapter(), "key": KeyNet(), "leaning": Leaning()}
    encoder, found = Encoder(**parts), {**weights(folder / "encoder.onnx"), **output_layer(folder / "key.safetensors")}
    encoder.load_state_dict(found)
    for name, figures in json.loads(FIGURES.read_text(encoding="utf-8")).items():
        record(name, figures)
    save = lambda state, name: torch.save(state, WORK / name)
    save(encoder.student.state_dict(), "msd.pt")
    shutil.copy(WORK / "msd.pt", WORK / "msd-start.pt")
    save({name: parts[name].state_dict() for name in ("style", "adapter")}, "style.pt")
    save({"model": encoder.key.state_dict()}, "key.pt")
    save(encoder.leaning.state_dict(), "key-leaning.pt")
    log(f"{len(found)} tensors of {folder / 'encoder.onnx'}")
