"""Files of heads: what a head says of hidden states, and the constants of confidence in its metadata."""

import json

from safetensors import safe_open
from safetensors.numpy import save_file

from confidence import shown


def read_head(path):
    with safe_open(path, "numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118


def layer(head):
    """The number of the layer that the head reads."""
    return json.loads(head[1]["layers"])[0]


def log_probabilities(head, hidden):
    """Of windows `hidden` [windows, width], at the head's temperature."""
    tensors, metadata = head
    if "mean" in tensors:
        hidden = (hidden - tensors["mean"]) / tensors["std"]
    logits = hidden @ tensors["weight"].T + tensors["bias"]
    return shown.log_probabilities(logits / float(metadata["temperature"]))


def write_constants(path, constants):
    """Puts the constants into the metadata of a head's file."""
    tensors, metadata = read_head(path)
    used = {name: constants[name] for name in ("time_s", "context", "live", "file") if name in constants}
    save_file(tensors, path, metadata={**metadata, "confidence": json.dumps(used)})
    path.chmod(0o644)
