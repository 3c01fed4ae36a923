"""Moves heads and map of the installed model to a new graph without fitting them again.

A head carries the hash of the graph that it was fitted on. When a new graph changes other layers only (the key layer, say), the
heads of the equal layers stay right, and only the hash in them changes. Equal is what gives equal hidden states on sounds that are
tried here.
"""

import numpy as np

from export.model_folder import sha256, write_manifest
from settings import ASSETS, WINDOW, log, session

# The layers that each file reads.
FILES = {"genre": 6, "styles": 6, "tags-msd": 4, "tags-mtt": 5, "map": 6}
TOLERANCE = 1e-3


def differing_layers(old, new):
    """Indices of the layers that differ on noise, a tone, a sweep and clicks."""
    random, t = np.random.default_rng(0), np.arange(WINDOW) / 16_000
    clicks = np.where(np.arange(WINDOW) % 4000 < 40, random.normal(0, 1, WINDOW), 0)
    sounds = [random.normal(0, 0.1, WINDOW), np.sin(2760 * t), np.sin(300 * t**2), clicks]
    networks, differing = [session(path) for path in (old, new)], set()
    for sound in sounds:
        first, second = (n.run(["hidden"], {"waveform": sound[None].astype(np.float32)})[0] for n in networks)
        differing |= set(np.flatnonzero(np.abs(first - second).max(1) > TOLERANCE))
    return differing


def restamp(model, old=ASSETS):
    """Writes the files of `old` into the folder `model`, whose graph is new, and describes them in its manifest."""
    before, after = sha256(old / "encoder.onnx"), sha256(model / "encoder.onnx")
    differing = differing_layers(old / "encoder.onnx", model / "encoder.onnx")
    for name, layer in FILES.items():
        if layer in differing:
            raise SystemExit(f"{name} reads layer {layer}, which is another in the new graph; run the stage heads.")
        # The hash stands in the file's header as text, so that the same length keeps all else in its place.
        content = (old / f"{name}.safetensors").read_bytes()
        if content.count(before.encode()) != 1:
            raise SystemExit(f"{old / name}.safetensors does not belong to the graph beside it.")
        (model / f"{name}.safetensors").write_bytes(content.replace(before.encode(), after.encode()))
        log(f"{name}: {before[:8]} is {after[:8]} now")
    write_manifest(model)
