"""The whole encoder, and its ONNX file.

`waveform` float32 [1, 80000] to `hidden` float32 [7, 256]: seven layers, each pooled over the window. Only plain
ai.onnx operators; weights are stored in half precision and widened in the graph. `frames.py` has the graph's addition
for frames.

Modules and parameters are named in the graph by their attributes' names, so that these names are part of its bytes:
they stay as they are in the installed model.
"""

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from torch import nn

from data.spectrum import LOG10_E, Level, Mel
from key.cqt import ConstantQ
from key.network import KeyNetwork, ModeBias
from key.tuning import InTune
from layers import WIDTH
from settings import RMS, WINDOW, WORK, log, session
from student.distill import student_network
from student.style import Adapter, Style

OPSET = 17
HALVED_FROM = 4096
# Where the mid-end's own features begin among the 753, and its last layer's.
MIDDLE, LAST = 561, 689
# Added to a variance.
SPREAD = 1e-6


class Encoder(nn.Module):
    """All layers from one window."""

    def __init__(self, student, style, adapter, key, mode_bias):
        super().__init__()
        self.level, self.mel, self.constant_q, self.in_tune = Level(RMS), Mel(), ConstantQ(), InTune()
        self.student, self.style, self.adapter, self.key = student, style, adapter, key
        # The graph's name for it.
        self.leaning = mode_bias

    def features(self, waveform):
        """The features before pooling over time: samples at one level [1, 80000], their RMS before [1, 1], mel
        spectrum [1, 96, 313], constant-Q spectra in tune [1, 2, 252, 51], the deviation that they had [1, 2] and MSD's
        mid-end features [1, 753, 313]."""
        level, rms = self.level(waveform)
        mel = self.mel(level)
        tonal, deviation = self.in_tune(self.constant_q(level))
        return level, rms, mel, tonal, deviation, self.student.back.middle(self.student.front(mel))

    def forward(self, waveform):
        _, rms, mel, tonal, deviation, middle = self.features(waveform)
        back = self.student.back
        pooled = back.pool(middle)
        msd = back.finish(pooled).mean(1)
        tags = back.tags(msd)
        style = self.style(pooled.mean(1), tags)
        mtt, mtt_tags = self.adapter(style, msd)
        mean = mel.mean(2)
        spread = torch.sqrt(((mel - mean[:, :, None]) ** 2).mean(2) + SPREAD)
        layers = [
            [tonal[:, 1].mean(2)],
            [mean, spread, torch.log(rms) * LOG10_E],
            [self.key.hidden(tonal).flatten(1), self.leaning(torch.cat([msd, tags], 1)), deviation],
            [middle[:, MIDDLE:].mean(2), middle[:, LAST:].amax(2)],
            [msd, tags],
            [mtt, mtt_tags],
            [style],
        ]
        return torch.cat([padded(parts) for parts in layers], 0)


def padded(parts):
    """Parts of a layer, [rows, values] each, as [rows, 256]."""
    return F.pad(torch.cat(parts, 1), (0, WIDTH - sum(int(p.shape[1]) for p in parts)))


def assemble():
    """The encoder from the files that the earlier stages have written."""
    student, style, adapter, key, mode_bias = student_network(), Style(), Adapter(), KeyNetwork(), ModeBias()
    student.load_state_dict(torch.load(WORK / "msd.pt"))
    parts = torch.load(WORK / "style.pt", weights_only=False)
    style.load_state_dict(parts["style"])
    adapter.load_state_dict(parts["adapter"])
    key.load_state_dict(torch.load(WORK / "key.pt", weights_only=False)["model"])
    if (WORK / "key-leaning.pt").exists():
        mode_bias.load_state_dict(torch.load(WORK / "key-leaning.pt"))
    return Encoder(student, style, adapter, key, mode_bias).eval()


def halve(graph):
    """Stores each large float32 tensor as float16 followed by a Cast, which runtimes fold when they load the file."""
    for tensor in list(graph.initializer):
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < HALVED_FROM or "constant_q" in tensor.name:
            continue
        name = tensor.name
        graph.initializer.remove(tensor)
        graph.initializer.append(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        graph.node.insert(0, onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))


def export(path=None):
    """Writes `encoder.onnx` and checks it against PyTorch; returns its path."""
    path = path or WORK / "encoder.onnx"
    encoder = assemble()
    torch.onnx.export(
        encoder,
        (torch.randn(1, WINDOW) * 0.1,),
        path,
        opset_version=OPSET,
        dynamo=False,
        do_constant_folding=False,
        input_names=["waveform"],
        output_names=["hidden"],
    )
    model = onnx.load(path)
    halve(model.graph)
    model.producer_name, model.producer_version, model.doc_string = "mertscope", "", ""
    model = onnx.shape_inference.infer_shapes(model)
    onnx.checker.check_model(model)
    if {o.domain for o in model.opset_import} != {""}:
        raise ValueError("The graph uses operators outside ai.onnx.")
    onnx.save(model, path)
    waveform = torch.randn(1, WINDOW, generator=torch.Generator().manual_seed(0)) * 0.1
    with torch.no_grad():
        expected = encoder(waveform).numpy()
    found = session(path).run(["hidden"], {"waveform": waveform.numpy()})[0]
    log(
        f"{path.name}: {path.stat().st_size / 1e6:.2f} MB, {len(model.graph.node)} nodes, largest difference {np.abs(found - expected).max():.4f}"
    )
    return path
