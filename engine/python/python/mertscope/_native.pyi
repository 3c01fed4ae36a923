"""The compiled part of `mertscope`; use the package."""

from collections.abc import Callable
from typing import TypeAlias, TypedDict, final

import numpy as np
import numpy.typing as npt

__all__ = [
    "Analyzer",
    "AudioError",
    "HeadError",
    "HubError",
    "InferenceError",
    "MertscopeError",
    "ModelError",
    "Stream",
    "analysis_rows",
    "change_model",
    "embedding_rows",
    "is_audio_path",
    "list_models",
    "run_difference",
    "store_head",
    "train",
]

_Audio: TypeAlias = str | tuple[npt.NDArray[np.float32], int, int, str]
_Progress: TypeAlias = Callable[[float, float | None], object] | None

class _Settings(TypedDict):
    onnxruntime: str
    model: str | None
    device: str
    heads: list[str]
    hop_s: float
    smoothing: bool
    threads: int | None
    window_s: float | None
    precision: str

class _Wanted(TypedDict):
    layers: list[int] | None
    pool: str
    head: str | None
    whole_s: float | None

class MertscopeError(Exception): ...
class AudioError(MertscopeError): ...
class ModelError(MertscopeError): ...
class HeadError(MertscopeError): ...
class InferenceError(MertscopeError): ...
class HubError(MertscopeError): ...

@final
class Analyzer:
    def __new__(cls, settings: _Settings) -> Analyzer: ...
    def analyze(self, audio: _Audio, progress: _Progress) -> str: ...
    def embed(self, audio: _Audio, wanted: _Wanted, progress: _Progress) -> npt.NDArray[np.float32]: ...
    def device(self) -> tuple[str, list[str]]: ...
    def describe(self) -> str: ...

@final
class Stream:
    def __new__(cls, analyzer: Analyzer, rate_hz: int, name: str) -> Stream: ...
    def push(self, samples: npt.NDArray[np.float32], channels: int) -> str: ...
    def finish(self) -> str: ...

class _Training(TypedDict):
    task: str
    layers: list[int] | None
    mix: bool
    hidden: int | None
    frames: bool
    seed: int
    windows: int
    training_data: str | None
    data_name: str
    license: str

class _BatchFile(TypedDict):
    path: str
    file: str
    name: str
    error: str | None

def analysis_rows(analyzer: Analyzer, files: list[_BatchFile]) -> bytes: ...
def embedding_rows(analyzer: Analyzer, files: list[_BatchFile], wanted: _Wanted, float16: bool) -> bytes: ...
def run_difference(run: str, other: str) -> str | None: ...

class _Order(TypedDict):
    action: str
    id: str | None
    path: str | None
    accept_license: str | None

def train(
    analyzer: Analyzer, files: list[tuple[str, str, str]], training: _Training, progress: _Progress
) -> tuple[bytes, str, list[str]]: ...
def store_head(analyzer: Analyzer, name: str, bytes: bytes) -> str: ...
def is_audio_path(path: str) -> bool: ...
def list_models() -> str: ...
def change_model(order: _Order, progress: _Progress) -> str: ...
