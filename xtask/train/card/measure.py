"""Measurements of an exported encoder that need no labels: time, size, level, robustness, noise."""

import json
import time

import numpy as np
from safetensors import safe_open

from data import augment
from data.music import held_out_blocks
from settings import RATE, WINDOW, log, record, session

# Starts of the windows in each held-out block, in samples.
STARTS = (0, 10 * RATE)
DEGRADATIONS = {
    "MP3 at 64 kbit/s": lambda x: augment.mp3(x, 64),
    "MP3 at 32 kbit/s": lambda x: augment.mp3(x, 32),
    "6 kHz low-pass": lambda x: augment.low_pass(x, 6000),
    "4 kHz low-pass": lambda x: augment.low_pass(x, 4000),
    "1 dB of clipping": lambda x: augment.clipped(x, 1),
    "12 dB of clipping": lambda x: augment.clipped(x, 12),
    "-40 dB": lambda x: x * 0.01,
}


class Heads:
    """Top labels and probabilities of a model's heads, {task: (layer, mean, std, weight, bias, temperature)}."""

    def __init__(self, encoder, heads):
        self.network, self.heads = session(encoder), heads

    def probabilities(self, waveform):
        hidden = self.network.run(["hidden"], {"waveform": waveform[None].astype(np.float32)})[0]
        found = {}
        for task, (layer, mean, std, weight, bias, temperature) in self.heads.items():
            logits = (weight @ ((hidden[layer] - mean) / std) + bias) / temperature
            e = np.exp(logits - logits.max())
            found[task] = e / e.sum()
        return found


def read_head(path):
    """Reads a linear head of one layer from its file."""
    with safe_open(path, "numpy") as file:
        tensors, metadata = {key: file.get_tensor(key) for key in file.keys()}, file.metadata()  # noqa: SIM118 (the file is no dictionary)
    width = tensors["weight"].shape[1]
    return (
        json.loads(metadata["layers"])[0],
        tensors.get("mean", np.zeros(width)),
        tensors.get("std", np.ones(width)),
        tensors["weight"],
        tensors["bias"],
        float(metadata["temperature"]),
    )


def robustness(encoder, heads):
    """Share of windows of held-out files that keep their top label: {degradation: {task: share}}."""
    windows = [block[start : start + WINDOW] / np.float32(32767) for block in held_out_blocks() for start in STARTS]
    model = Heads(encoder, heads)
    top = lambda waveform: {task: int(p.argmax()) for task, p in model.probabilities(waveform).items()}
    clean = [top(window) for window in windows]
    shares = {}
    for name, degrade in DEGRADATIONS.items():
        degraded = [top(degrade(window)) for window in windows]
        shares[name] = {task: float(np.mean([a[task] == b[task] for a, b in zip(clean, degraded)])) for task in heads}
    return shares


def on_noise(encoder, heads, count=40):
    """Highest mean key probability on white, pink and speech-like noise, {kind: probability}."""
    model, random, found = Heads(encoder, heads), np.random.default_rng(2), {}

    def made(kind):
        noise = random.normal(0, 0.1, WINDOW)
        if kind == "pink":
            return augment.filtered(noise, lambda f: -10 * np.log10(np.maximum(f, 20) / 20))
        if kind == "speech-like":
            syllables = np.repeat(random.exponential(1, 20), WINDOW // 20)
            return syllables * augment.filtered(noise, lambda f: -12 * np.log2(np.maximum(f, 400) / 400))
        return noise

    for kind in ("white", "pink", "speech-like"):
        found[kind] = max(float(model.probabilities(np.float32(made(kind)))["key"].max()) for _ in range(count))
    return found


def speed_ms(encoders, runs=40):
    """Median processor milliseconds per window and per session of each graph {name: path}, on one thread, taking turns."""
    waveform = {"waveform": np.random.default_rng(0).normal(0, 0.1, (1, WINDOW)).astype(np.float32)}

    def took(what):
        start = time.process_time()
        what()
        return time.process_time() - start

    networks = {name: session(path) for name, path in encoders.items()}
    windows = [
        {name: took(lambda network=network: network.run(None, waveform)) for name, network in networks.items()}
        for _ in range(runs)
    ]
    sessions = [
        {name: took(lambda path=path: session(path)) for name, path in encoders.items()} for _ in range(runs // 4)
    ]
    median = lambda rows, name: float(np.median([row[name] for row in rows])) * 1e3
    return {name: {"window": median(windows, name), "session": median(sessions, name)} for name in encoders}


def measure_all(folder, embedded_v0=None):
    """All measurements of the model in `folder`; its speed beside that of the graph of embedded-v0, if there is one."""
    encoder = folder / "encoder.onnx"
    heads = {task: read_head(folder / f"{task}.safetensors") for task in ("genre", "key")}
    figures = {
        "robustness": robustness(encoder, heads),
        "noise": on_noise(encoder, heads),
        "speed": speed_ms({"this": encoder, "embedded-v0": embedded_v0}) if embedded_v0 else None,
        "megabytes": encoder.stat().st_size / 1e6,
    }
    log(figures)
    record("measures", figures)
    return figures
