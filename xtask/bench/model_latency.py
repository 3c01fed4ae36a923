"""One window after another through PyTorch in eager mode, one per line on stdin.

    model_latency.py FOLDER THREADS SECONDS

FOLDER holds a published checkpoint; transformers' own classes run it. Prints `ready MEAN`, the mean magnitude of hidden
state 7 averaged over time, then per line on stdin the time of one run in nanoseconds. The other side of the comparison,
engine/benches/window_latency.rs, speaks the same protocol.
"""

import json
import pathlib
import sys
import time

import numpy as np
import torch
from transformers import Data2VecAudioConfig, Data2VecAudioModel, HubertConfig, HubertModel, logging


def test_window(samples: int) -> np.ndarray:
    """A sine with a period of 73 samples at half scale, float32 `[1, samples]`: the same on both sides."""
    return (0.5 * np.sin(2 * np.pi * np.arange(samples) / 73)).astype(np.float32)[np.newaxis]


def main() -> None:
    folder, threads, seconds = pathlib.Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    torch.set_num_threads(threads)
    logging.set_verbosity_error()
    settings = json.loads((folder / "config.json").read_text())
    preprocessor = json.loads((folder / "preprocessor_config.json").read_text())
    kind = settings.pop("model_type")
    for of_the_file in ("architectures", "feature_extractor_cqt", "deepnorm", "attention_relax"):
        settings.pop(of_the_file, None)
    config, network = (
        (Data2VecAudioConfig, Data2VecAudioModel) if kind == "data2vec-audio" else (HubertConfig, HubertModel)
    )
    model = network(config(**settings))
    # The parameter names of the PyTorch that the checkpoints were published with.
    old = {"weight_g": "parametrizations.weight.original0", "weight_v": "parametrizations.weight.original1"}
    weights = torch.load(folder / "pytorch_model.bin", weights_only=True)
    for name in list(weights):
        stem, _, leaf = name.rpartition(".")
        if leaf in old:
            weights[f"{stem}.{old[leaf]}"] = weights.pop(name)
    model.load_state_dict(weights)
    del weights
    model.eval()

    window = test_window(int(preprocessor["sampling_rate"] * seconds))
    if preprocessor["do_normalize"]:
        window = (window - window.mean()) / np.sqrt(window.var() + 1e-7)
    window = torch.from_numpy(window.astype(np.float32))
    with torch.inference_mode():
        hidden = model(window, output_hidden_states=True).hidden_states
        print(f"ready {hidden[7].mean(1).abs().mean().item():.9g}", flush=True)
        for _ in sys.stdin:
            start = time.perf_counter_ns()
            model(window, output_hidden_states=True)
            print(time.perf_counter_ns() - start, flush=True)


if __name__ == "__main__":
    main()
