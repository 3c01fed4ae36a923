"""What an analyzer says about its model and its heads."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class HeadInfo:
    """A head: what turns the model's hidden states into the answers of one task."""

    id: str
    """Its name."""
    task: str
    """The question that it answers: genre, key, tuning, …"""
    labels: list[str]
    """Its answers, in the order of its output."""
    sha256: str
    """The SHA-256 of its file."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model and its heads."""

    id: str
    """Its name in `mertscope models list`."""
    title: str
    """Its name in words."""
    sha256: str
    """The SHA-256 that names its weights."""
    license: str
    """The license of its weights."""
    sample_rate_hz: int
    """The rate that audio is brought to."""
    window_s: float
    """The length of a window in seconds."""
    layers: list[str]
    """The names of its hidden states, by number."""
    width: int
    """Values per hidden state."""
    frame_rate_hz: float | None
    """Frames per second; `None` for a model that gives one vector per window."""
    heads: list[HeadInfo]
    """Its heads; of those for one task the first answers."""
    onnxruntime: str
    """The version of ONNX Runtime that runs it."""
    notes: list[str]
    """Sentences about heads of your own that can't be used."""

    @classmethod
    def _from_dict(cls, data: dict[str, Any]) -> "ModelInfo":
        return cls(**{**data, "heads": [HeadInfo(**head) for head in data["heads"]]})
