"""The frames: the same seven layers four times a second, and `frames.onnx`, the graph's addition that computes them.

`frames` float32 [7, 20, 256]: frame n is pooled over about the second around (n + 0.5) / 4 s, by the same mean, maximum
and deviation as the layer over its window, so that it lies in the same space; the key layer is pooled over two seconds.
Nothing outside the window counts: the frames at its ends are pooled over a shorter stretch. Level and tuning are the window's;
`spectral` ends with the RMS of the frame's own second. Twenty frames fill a window exactly, so the frames of successive
windows are on one grid.

`frames.onnx` is a fragment: nodes, small tables and the output. It reads tensors of `encoder.onnx` by their names and
holds none of its weights. Protobuf merges serialized messages that follow each other, so the bytes of both, one after
the other, are the graph with both outputs. The graph for windows stays as small and as fast as before.
"""

import io

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

from data.spectrum import HOP, LOG10_E
from export.encoder import LAST, MIDDLE, OPSET, SPREAD, padded
from key.cqt import FRAME_SAMPLES as TONAL_SAMPLES
from key.network import SPREAD as KEY_SPREAD
from settings import RMS, WINDOW, log

FRAME_SAMPLES = 4000
FRAMES = WINDOW // FRAME_SAMPLES
# Stretches over which power is measured: five of them are a frame.
POWER_SAMPLES = 800
INPUTS = ("level", "rms", "mel", "tonal", "deviation", "middle", "column.0", "column.1", "column.2")


class FramePooling(nn.Module):
    """Pools the `count` (odd) items nearest to each frame's middle, of `items` items spaced by `samples` from `first` on.

    Items outside the window are left out. All methods take [items, ...] and return [frames, ...].
    """

    def __init__(self, items, samples, count, first=0):
        super().__init__()
        middle = (torch.arange(FRAMES) + 0.5) * FRAME_SAMPLES
        index = torch.round((middle - first) / samples).long()[:, None] + torch.arange(count) - count // 2
        inside = ((index >= 0) & (index < items)).float()
        self.register_buffer("index", index.clamp(0, items - 1))
        self.register_buffer("weight", inside / inside.sum(1, keepdim=True))

    def weighted(self, around):
        return (around * self.weight.view(*self.weight.shape, *[1] * (around.dim() - 2))).sum(1)

    def mean(self, x):
        return self.weighted(x[self.index])

    def highest(self, x):
        # The index of a missing item is clamped to one that is there.
        return x[self.index].amax(1)

    def spread(self, x, added):
        around = x[self.index]
        return torch.sqrt(self.weighted((around - self.weighted(around)[:, None]) ** 2) + added)


def items(x):
    """[1, ..., items] as [items, ...]: copying whole rows is faster than copying single values."""
    return x[0].permute(x.dim() - 2, *range(x.dim() - 2))


class Frames(nn.Module):
    """All layers of each frame, from the encoder's features before pooling; its networks are the encoder's own."""

    def __init__(self, encoder):
        super().__init__()
        self.student, self.style, self.adapter = encoder.student, encoder.style, encoder.adapter
        self.key, self.leaning = encoder.key, encoder.leaning
        # About a second: 63 mel frames, 11 constant-Q frames. A second holds one chord and no key, so the key network's frames,
        # which are 0.4 s apart, are pooled over two: then .49 instead of .38 of the demo pieces' frames predict their window's key.
        self.around_mel = FramePooling(WINDOW // HOP + 1, HOP, 63)
        self.around_tonal = FramePooling(WINDOW // TONAL_SAMPLES + 1, TONAL_SAMPLES, 11)
        self.around_key = FramePooling(13, 4 * TONAL_SAMPLES, 5)
        self.around_power = FramePooling(WINDOW // POWER_SAMPLES, POWER_SAMPLES, 21, POWER_SAMPLES / 2)

    def forward(self, level, rms, mel, tonal, deviation, middle, *columns):
        back, at = self.student.back, self.around_mel
        middle, mel = items(middle), items(mel)
        mean, highest = at.mean(middle), at.highest(middle)
        # As `Back.pool` interleaves them.
        pooled = torch.stack([highest, mean], 2).flatten(1)
        msd = back.finish(pooled)
        tags = back.tags(msd)
        style = self.style(pooled, tags)
        power = self.around_power.mean((level * level).view(-1, POWER_SAMPLES).mean(1, keepdim=True))
        own_rms = torch.sqrt(power * (rms.clamp(min=1e-4) / RMS) ** 2 + 1e-12)
        key = [
            column.folded(self.around_key.mean(x), self.around_key.spread(x, KEY_SPREAD))
            for column, x in zip(self.key.columns, map(items, columns))
        ]
        layers = [
            [self.around_tonal.mean(items(tonal[:, 1]))],
            [at.mean(mel), at.spread(mel, SPREAD), torch.log(own_rms) * LOG10_E],
            [torch.cat(key, 1).flatten(1), self.leaning(torch.cat([msd, tags], 1)), deviation.expand(FRAMES, 2)],
            [mean[:, MIDDLE:], highest[:, LAST:]],
            [msd, tags],
            list(self.adapter(style, msd)),
            [style],
        ]
        return torch.stack([padded(parts) for parts in layers])


@torch.no_grad()
def frame_inputs(encoder, waveform):
    """The inputs of `Frames`, in the order of `INPUTS`."""
    level, rms, mel, tonal, deviation, middle = encoder.features(waveform)
    return [level, rms, mel, tonal, deviation, middle, *(column.convolved(tonal) for column in encoder.key.columns)]


def probes():
    """Waveforms [1, 80000] that distinguish tensors that are often equal: noise, noise so faint that the gain limit applies, and
    a tone, which has no upper bands."""
    noise = torch.randn(1, WINDOW, generator=torch.Generator().manual_seed(0))
    return [noise * 0.1, noise * 2e-5, 0.1 * torch.sin(torch.arange(WINDOW)[None] * 0.2)]


def run(graph, outputs, waveform):
    """The graph's `outputs` for a waveform. `settings.session` has switched the runtime's telemetry off by then."""
    options = onnxruntime.SessionOptions()
    # Errors only: it warns about every node that it does not optimize.
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return session.run(outputs, {"waveform": waveform.numpy()})


def names(encoder, graph):
    """The tensors of the exported graph that have the inputs' values. The exporter's names alone are not reliable."""
    model = onnx.load_from_string(graph)
    wanted = [frame_inputs(encoder, waveform) for waveform in probes()]
    # Shapes are known only after a run.
    values = onnx.shape_inference.infer_shapes(model).graph.value_info
    values = [value for value in values if value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT]
    candidates = [value.name for value in values]
    del model.graph.output[:]
    model.graph.output.extend(values)
    found = [dict(zip(candidates, run(model.SerializeToString(), candidates, waveform))) for waveform in probes()]
    chosen = []
    for i, name in enumerate(INPUTS):
        truth = [x[i].numpy() for x in wanted]
        alike = {
            candidate: max(np.abs(f[candidate] - t).max() / np.abs(t).max() for f, t in zip(found, truth))
            for candidate in candidates
            if found[0][candidate].shape == truth[0].shape
        }
        best = min(alike, key=alike.get, default=None)
        if best is None or alike[best] > 1e-2:
            raise ValueError(f"No tensor of the graph has the values of the frames' input {name}: {alike}")
        chosen.append(best)
    return chosen


def fragment(encoder, graph):
    """The fragment for the exported `graph` of `encoder`, both as bytes."""
    target = io.BytesIO()
    torch.onnx.export(
        Frames(encoder).eval(),
        tuple(frame_inputs(encoder, probes()[0])),
        target,
        opset_version=OPSET,
        dynamo=False,
        do_constant_folding=False,
        input_names=list(INPUTS),
        output_names=["frames"],
    )
    own, whole = onnx.load_from_string(target.getvalue()).graph, onnx.load_from_string(graph).graph
    # Widened weights are the outputs of nodes.
    there = {tensor.name for tensor in whole.initializer} | {
        output for node in whole.node for output in node.output if not node.name
    }
    renamed = dict(zip(INPUTS, names(encoder, graph))) | {"frames": "frames", "": ""}
    weights = {tensor.name for tensor in own.initializer} & there
    renamed |= {name: name for name in weights}
    new = lambda name: renamed.get(name, f"frames/{name.lstrip('/')}")
    model = onnx.ModelProto()
    for node in own.node:
        node.input[:], node.output[:] = map(new, node.input), map(new, node.output)
        node.name, node.doc_string = new(node.name), ""
        model.graph.node.append(node)
    for tensor in own.initializer:
        if tensor.name not in weights:
            tensor.name = new(tensor.name)
            model.graph.initializer.append(tensor)
    model.graph.output.extend(own.output)
    return model.SerializeToString()


def check(encoder, graph, added):
    """The graph with its fragment against PyTorch; returns the largest difference of a frame, as a share of the largest value of
    its layer, and of `hidden` from what the graph says without."""
    whole = onnx.shape_inference.infer_shapes(onnx.load_from_string(graph + added))
    onnx.checker.check_model(whole)
    if {o.domain for o in whole.opset_import} != {""} or len(whole.opset_import) != 1:
        raise ValueError("The graph with frames uses operators outside ai.onnx.")
    of_frames, of_hidden = 0.0, 0.0
    for waveform in probes():
        hidden, frames = run(graph + added, ["hidden", "frames"], waveform)
        with torch.no_grad():
            expected = Frames(encoder).eval()(*frame_inputs(encoder, waveform)).numpy()
        if frames.shape != expected.shape:
            raise ValueError(f"The frames have the shape {frames.shape}.")
        of_frames = max(of_frames, (np.abs(frames - expected).max((1, 2)) / np.abs(expected).max((1, 2))).max())
        of_hidden = max(of_hidden, np.abs(hidden - run(graph, ["hidden"], waveform)[0]).max())
    return of_frames, of_hidden


def export_frames(encoder, path):
    """Writes `frames.onnx` beside the exported graph at `path`; returns its path."""
    graph = path.read_bytes()
    added = fragment(encoder, graph)
    frames, hidden = check(encoder, graph, added)
    if frames > 0.01 or hidden > 1e-3:
        raise ValueError(
            f"The graph with frames differs from PyTorch by {frames:.2%} in the frames, and by {hidden} from itself without."
        )
    target = path.with_name("frames.onnx")
    target.write_bytes(added)
    log(
        f"{target.name}: {len(added) / 1e3:.1f} kB, largest difference {frames:.3%} of a layer's largest value; of hidden {hidden:.6f}"
    )
    return target
