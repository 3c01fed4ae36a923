"""The analyzer: one model with its heads."""

import json
import os
from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from mertscope import _native
from mertscope.audio import Audio, native
from mertscope.description import ModelInfo
from mertscope.onnxruntime_library import onnxruntime_library
from mertscope.progress import Progress, callback
from mertscope.results import Analysis


class Analyzer:
    """Analyzes and embeds audio with one model, as `mertscope analyze` and `mertscope embed` do.

    It may be used from several threads; the interpreter's lock is free while it works. It pickles as its settings and
    opens the model anew where it is unpickled, and also in a process that was forked.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        *,
        device: str = "auto",
        heads: Iterable[str] = (),
        hop: float = 1.0,
        smoothing: bool = True,
        threads: int | None = None,
        window: float | None = None,
        precision: Literal["auto", "fp32", "fp16", "int8", "int8-fast"] = "auto",
    ) -> None:
        """Opens a model.

        Args:
            model: The id of an installed model, or a folder; the embedded model when `None`.
            device: `auto`, `cpu`, or a provider such as `cuda`, `directml`, `coreml` or `openvino`.
            heads: Names of heads that answer for their task, where the model has several.
            hop: Seconds between the starts of two windows; rounded to whole frames.
            smoothing: Whether results are smoothed over audio time.
            threads: Threads that share the work on one window; one per core, at most 4, when `None`.
            window: Length of a window in seconds, for models that accept several; the model's own when `None`.
            precision: Arithmetic of a checkpoint's graph.

        Raises:
            ModelError: The model is missing or can't be used.
            HeadError: The model has no such head.
            InferenceError: ONNX Runtime is missing or can't be used.
            ValueError: A device, precision, hop or number of threads that does not exist.
        """
        if isinstance(heads, str):
            raise TypeError(f'heads is a list of names; give ["{heads}"].')
        if threads is not None and threads < 1:
            raise ValueError(f"threads is {threads}; give 1 or more, or None for one per core.")
        self._settings: dict[str, Any] = {
            "model": None if model is None else os.fspath(model),
            "device": device,
            "heads": list(heads),
            "hop_s": hop,
            "smoothing": smoothing,
            "threads": threads,
            "window_s": window,
            "precision": precision,
        }
        self._native_analyzer: _native.Analyzer | None = self._open()

    def _open(self) -> _native.Analyzer:
        given = self._settings
        # The library is that of this machine, not of the one that pickled the settings.
        settings: _native._Settings = {
            "onnxruntime": str(onnxruntime_library()),
            "model": given["model"],
            "device": given["device"],
            "heads": given["heads"],
            "hop_s": given["hop_s"],
            "smoothing": given["smoothing"],
            "threads": given["threads"],
            "window_s": given["window_s"],
            "precision": given["precision"],
        }
        return _native.Analyzer(settings)

    @property
    def _native(self) -> _native.Analyzer:
        if self._native_analyzer is None:
            self._native_analyzer = self._open()
        return self._native_analyzer

    def __getstate__(self) -> dict[str, Any]:
        return self._settings

    def __setstate__(self, settings: dict[str, Any]) -> None:
        self._settings = settings
        self._native_analyzer = None

    def __repr__(self) -> str:
        defaults = Analyzer.__init__.__kwdefaults__ or {}
        renamed = {"hop_s": "hop", "window_s": "window"}
        given = {renamed.get(name, name): value for name, value in self._settings.items()}
        shown = [
            f"{name}={value!r}" for name, value in given.items() if (value or None) != (defaults.get(name) or None)
        ]
        return f"Analyzer({', '.join(shown)})"

    @property
    def model(self) -> ModelInfo:
        """The model and its heads."""
        return ModelInfo._from_dict(json.loads(self._native.describe()))

    @property
    def device(self) -> str:
        """The name of the device that runs the model; opens the model."""
        return self._native.device()[0]

    @property
    def device_notes(self) -> list[str]:
        """Why better devices are not used, a phrase each; opens the model."""
        return self._native.device()[1]

    def analyze(self, audio: Audio, *, name: str | None = None, progress: Progress = None) -> Analysis:
        """Genre and key over time.

        Args:
            audio: The path of an audio file, or samples `[frames]` or `[channels, frames]` and their rate in Hz.
            name: The name of samples in results and messages.
            progress: A function of the seconds that are done and all of them, or a bar such as `tqdm(unit="s")`.

        Raises:
            AudioError: The audio can't be read.
            InferenceError: The model can't be run.
        """
        return Analysis._from_line(self._native.analyze(native(audio, name), callback(progress)))

    def embed(
        self,
        audio: Audio,
        *,
        layers: Literal["all"] | int | Iterable[int] = "all",
        pool: Literal["mean", "none", "weighted"] = "mean",
        head: str | os.PathLike[str] | None = None,
        whole: bool = False,
        max_seconds: float = 60.0,
        name: str | None = None,
        progress: Progress = None,
    ) -> npt.NDArray[np.float32]:
        """Hidden states, for research.

        Args:
            audio: The path of an audio file, or samples `[frames]` or `[channels, frames]` and their rate in Hz.
            layers: Numbers of the hidden states, or `"all"`.
            pool: `mean` over time; `none` for every frame; `weighted` for the weighted sum of a head, over time.
            head: The head whose layer weights `weighted` uses: its name or its file.
            whole: Whether to encode all audio in one pass, for models of free length.
            max_seconds: The longest audio that `whole` takes.
            name: The name of samples in messages.
            progress: As for `analyze`.

        Returns:
            `[layers, width]`, `[layers, frames, width]` with `pool="none"`, `[width]` with `pool="weighted"`.

        Raises:
            AudioError: The audio can't be read.
            ModelError: The model has no such layer, or can't take all audio in one pass.
            HeadError: The head is missing or mixes no layers.
            InferenceError: The model can't be run.
        """
        if layers == "all":
            numbers = None
        elif isinstance(layers, int):
            numbers = [layers]
        elif isinstance(layers, str):
            raise ValueError(f'layers is {layers!r}; give numbers or "all".')
        else:
            numbers = list(layers)
        if numbers is not None and any(number < 0 for number in numbers):
            raise ValueError(f"layers is {numbers}; layers count from 0.")
        wanted: _native._Wanted = {
            "layers": numbers,
            "pool": pool,
            "head": None if head is None else os.fspath(head),
            "whole_s": max_seconds if whole else None,
        }
        return self._native.embed(native(audio, name), wanted, callback(progress))
