"""Paths and constants that all stages share."""

import json
import os
import time
from pathlib import Path

RATE = 16_000
WINDOW = 5 * RATE
# The RMS to which every window is normalized; chosen by cross-validation, see README.md.
RMS = 0.15
ROOT = Path(__file__).resolve().parents[2]
WORK = Path(os.environ.get("MERTSCOPE_TRAIN", ROOT / "target" / "train"))
ASSETS = ROOT / "assets" / "embedded"


def device():
    """The GPU when there is one, unless MERTSCOPE_CPU is set."""
    import torch

    return "cuda" if torch.cuda.is_available() and not os.environ.get("MERTSCOPE_CPU") else "cpu"


_START = time.monotonic()


def log(text):
    """Prints a line of progress on standard output, with the seconds since the start."""
    print(f"[{time.monotonic() - _START:7.1f}] {text}", flush=True)


def session(path):
    """An ONNX Runtime session on one thread."""
    # Its published builds send telemetry to their maker unless this is set before the import.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def record(name, figures):
    """Stores a stage's figures for the card."""
    folder = WORK / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(figures, indent=1), encoding="utf-8")


def recorded(name):
    """A stage's figures, or None when it has not run."""
    path = WORK / "figures" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
