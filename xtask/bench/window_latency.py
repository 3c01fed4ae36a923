"""One window after another through Python's onnxruntime, one per line on stdin.

    window_latency.py MODEL THREADS

Prints `ready MEAN`, the mean of the model's output for the test window, then per line on stdin the time of one run in
nanoseconds. The other side of the comparison, engine/benches/window_latency.rs, speaks the same protocol.
"""

import os
import sys
import time

import numpy as np

# Its published builds send telemetry unless this is set before they start.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime as ort


def test_window(samples: int) -> np.ndarray:
    """A sine with a period of 73 samples at half scale, float32 `[1, samples]`: the same on both sides."""
    return (0.5 * np.sin(2 * np.pi * np.arange(samples) / 73)).astype(np.float32)[np.newaxis]


def main() -> None:
    model, threads = sys.argv[1], int(sys.argv[2])
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # As in the engine: a thread that spins takes the processor from the host.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    waveform = session.get_inputs()[0]
    feed = {waveform.name: test_window(waveform.shape[1])}
    hidden = session.run(None, feed)[0]
    print(f"ready {hidden.mean():.9g}", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter_ns()
        session.run(None, feed)
        print(time.perf_counter_ns() - start, flush=True)


if __name__ == "__main__":
    main()
