"""One window after another through the reference implementation, one per line on stdin.

    model_latency.py FOLDER THREADS SECONDS ENGINE [PROBE]

FOLDER holds a published checkpoint, and transformers' own classes are the network, or the reference of
tests/fixtures/checkpoints for MERT-v2, MuQ and MusicFM. ENGINE is `eager` for PyTorch in
eager mode, or what runs a plain export by torch.onnx: `onnxruntime` or `openvino`. The export is made in FOLDER by the
first who needs it. Prints `ready MEAN`, the mean magnitude of hidden state PROBE (7) averaged over time, then per line on stdin
the time of one run in nanoseconds. The other side of the comparison, engine/benches/window_latency.rs, speaks the same
protocol.
"""

import collections
import json
import pathlib
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from transformers import Data2VecAudioConfig, Data2VecAudioModel, HubertConfig, HubertModel, logging

sys.path.append(str(pathlib.Path(__file__).parents[2] / "tests/fixtures/checkpoints"))
import conformers  # noqa: E402

# The parameter names of the PyTorch that the checkpoints were published with, and today's.
PUBLISHED = {"weight_g": "parametrizations.weight.original0", "weight_v": "parametrizations.weight.original1"}


def published_names(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A network's parameters under their published names."""
    out = collections.OrderedDict()
    for name, tensor in state.items():
        for old, new in PUBLISHED.items():
            name = name.replace(new, old)
        out[name] = tensor
    return out


def read_network(folder: pathlib.Path) -> torch.nn.Module:
    """The network in a folder, with its weights."""
    logging.set_verbosity_error()
    settings = json.loads((folder / "config.json").read_text())
    kind = settings.pop("model_type")
    for of_the_file in ("architectures", "feature_extractor_cqt", "deepnorm", "attention_relax"):
        settings.pop(of_the_file, None)
    config, network = (
        (Data2VecAudioConfig, Data2VecAudioModel) if kind == "data2vec-audio" else (HubertConfig, HubertModel)
    )
    model = network(config(**settings))
    weights = torch.load(folder / "pytorch_model.bin", weights_only=True)
    for name in list(weights):
        stem, _, leaf = name.rpartition(".")
        if leaf in PUBLISHED:
            weights[f"{stem}.{PUBLISHED[leaf]}"] = weights.pop(name)
    model.load_state_dict(weights)
    return model.eval()


def is_newer(folder: pathlib.Path) -> bool:
    """Whether the network has a front end of its own."""
    return folder.name in conformers.FULL


def test_window(folder: pathlib.Path, seconds: float) -> np.ndarray:
    """A sine with a period of 73 samples at half scale, float32 `[1, samples]`: the same on both sides."""
    preprocessor = {"sampling_rate": 24_000, "do_normalize": False}
    if not is_newer(folder):
        preprocessor = json.loads((folder / "preprocessor_config.json").read_text())
    samples = int(preprocessor["sampling_rate"] * seconds)
    window = 0.5 * np.sin(2 * np.pi * np.arange(samples) / 73)
    if preprocessor["do_normalize"]:
        window = (window - window.mean()) / np.sqrt(window.var() + 1e-7)
    return window.astype(np.float32)[np.newaxis]


class HiddenStates(torch.nn.Module):
    """The network with its hidden states as outputs."""

    def __init__(self, model: torch.nn.Module):
        super().__init__()
        self.model = model

    def forward(self, window: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return self.model(window, output_hidden_states=True).hidden_states


def exported(folder: pathlib.Path, window: np.ndarray) -> pathlib.Path:
    """The plain export of a folder's network, for windows of this length."""
    path = folder / f"plain-{window.shape[1]}.onnx"
    if not path.exists():
        network = HiddenStates(read_network(folder))
        with torch.no_grad():
            torch.onnx.export(network, (torch.from_numpy(window),), path, external_data=False, verbose=False)
    return path


def eager(folder: pathlib.Path, window: np.ndarray, threads: int) -> Callable:
    torch.set_num_threads(threads)
    network = conformers.read(folder) if is_newer(folder) else HiddenStates(read_network(folder))
    samples = torch.from_numpy(window)

    def run() -> list[np.ndarray]:
        with torch.inference_mode():
            return [state.numpy() for state in network(samples)]

    return run


def onnxruntime(folder: pathlib.Path, window: np.ndarray, threads: int) -> Callable:
    import onnxruntime as runtime

    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # As our side: waiting threads must not count as work.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = runtime.InferenceSession(exported(folder, window), options, providers=["CPUExecutionProvider"])
    inputs = {session.get_inputs()[0].name: window}
    return lambda: session.run(None, inputs)


def openvino(folder: pathlib.Path, window: np.ndarray, threads: int) -> Callable:
    import openvino as vino

    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
    request = vino.Core().compile_model(exported(folder, window), "CPU", settings).create_infer_request()
    return lambda: list(request.infer([window]).values())


def main() -> None:
    folder, threads, seconds = pathlib.Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    engine = {"eager": eager, "onnxruntime": onnxruntime, "openvino": openvino}[sys.argv[4]]
    run = engine(folder, test_window(folder, seconds), threads)
    probe = int(sys.argv[5]) if len(sys.argv) > 5 else 7
    print(f"ready {np.abs(run()[probe].mean(1)).mean():.9g}", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter_ns()
        run()
        print(time.perf_counter_ns() - start, flush=True)


if __name__ == "__main__":
    main()
