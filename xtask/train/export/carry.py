"""Carries the installed heads, map, card and licenses over to a new graph, when only the graph was written again.

For a graph whose layers mean the same for these heads: each file is the same, but for the graph's hash and the model's
id in its metadata. A head whose layer was trained again is fitted again, by the stage `heads`.
"""

import json
import shutil
import tomllib

from export.model_folder import ID, start_model, write_manifest
from key.tuning_head import write_tuning_head
from settings import ASSETS, WORK, log


def rebound(source, target, encoder_sha256):
    """Writes the safetensors file `source` for another graph. Only its header changes: the library itself writes metadata in a
    random order."""
    data = source.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    header["__metadata__"]["encoder_sha256"] = encoder_sha256
    if "model" in header["__metadata__"]:
        header["__metadata__"]["model"] = ID
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    target.write_bytes(len(text).to_bytes(8, "little") + text + data[end:])


def carry():
    """Makes the model folder from the exported graph and everything else that is installed."""
    installed = tomllib.loads((ASSETS / "manifest.toml").read_text(encoding="utf-8"))
    model, identity = start_model(WORK / "encoder.onnx")
    names = [head["file"] for head in installed["heads"]] + [installed["map"]["file"]]
    for name in names:
        rebound(ASSETS / name, model / name, identity)
    if not (model / "tuning.safetensors").exists():
        write_tuning_head(model / "tuning.safetensors", identity)
    shutil.copy(ASSETS / "CARD.md", model)
    shutil.copytree(ASSETS / "licences", model / "licences")
    write_manifest(model)
    log(f"{len(names)} files carried over to {identity}")
