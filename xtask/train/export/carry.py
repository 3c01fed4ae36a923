"""Carries the installed heads, map, card and licenses over to a new graph, when only the graph was written again.

For a graph whose layers mean the same for these heads: each file is the same, but for the graph's hash and the model's
id in its metadata. A head whose layer was trained again is fitted again, by the stage `heads`.
"""

import shutil
import tomllib

from safetensors import safe_open
from safetensors.numpy import save_file

from export.model_folder import ID, start_model, write_manifest
from key.tuning_head import write_tuning_head
from settings import ASSETS, WORK, log


def rebound(source, target, encoder_sha256):
    """Writes the tensors and the metadata of `source` for another graph."""
    with safe_open(source, "numpy") as file:
        tensors, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118 (the file is no dictionary)
    metadata["encoder_sha256"] = encoder_sha256
    if "model" in metadata:
        metadata["model"] = ID
    save_file(tensors, target, metadata=metadata)
    target.chmod(0o644)


def carry():
    """Makes the model folder from the exported graph and everything else that is installed."""
    installed = tomllib.loads((ASSETS / "manifest.toml").read_text(encoding="utf-8"))
    model, identity = start_model(WORK / "encoder.onnx")
    names = [head["file"] for head in installed["heads"]] + [installed["map"]["file"]]
    for name in names:
        rebound(ASSETS / name, model / name, identity)
    write_tuning_head(model / "tuning.safetensors", identity)
    shutil.copy(ASSETS / "CARD.md", model)
    shutil.copytree(ASSETS / "licences", model / "licences")
    write_manifest(model)
    log(f"{len(names)} files carried over to {identity}")
