"""Heads of your own: fitted on labeled music, as `mertscope heads train` does."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from mertscope import _native
from mertscope.analyzer import Analyzer
from mertscope.progress import Progress, callback

LabeledFile = tuple[str | os.PathLike[str], str] | tuple[str | os.PathLike[str], str, str]
"""A file and its label; third its group, such as the artist: a test never splits a group of files."""


@dataclass(frozen=True, slots=True)
class TrainedHead:
    """A head that was fitted, with its scores on files that it was not fitted on."""

    task: str
    """The question that it answers."""
    labels: list[str]
    """Its answers, in the order of its output."""
    accuracy: float
    """The share of held-out files with the right answer."""
    scores: dict[str, Any]
    """Scores of held-out files and windows, and of the hidden states that were compared."""
    notes: list[str]
    """A sentence per file that was left out."""
    file: bytes = field(repr=False)
    """The head's file: safetensors."""
    _analyzer: Analyzer = field(repr=False)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the head into a file, whole or not at all."""
        path = Path(path)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            part.write_bytes(self.file)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        return path

    def install(self, name: str) -> Path:
        """Stores it among the heads of this user, where every program of Mertscope finds it under `name`."""
        return Path(_native.store_head(self._analyzer._native, name, self.file))


def train(
    data: str | os.PathLike[str] | Iterable[LabeledFile],
    *,
    task: str,
    analyzer: Analyzer | None = None,
    layers: Literal["all"] | Iterable[int] = "all",
    mix: bool = True,
    hidden: int | None = None,
    frames: bool = False,
    seed: int = 0,
    windows: int = 6,
    describe: str | None = None,
    license: str = "",
    progress: Progress = None,
) -> TrainedHead:
    """Fits a head on labeled music and judges it by cross-validation in groups.

    Args:
        data: A folder with one folder of audio per label, or files with their labels.
        task: The question that the head answers: genre, key, mood, …
        analyzer: The model; `Analyzer()` when `None`.
        layers: Numbers of the hidden states to compare, or `"all"`.
        mix: Whether their weighted sum is compared too, where the model allows it.
        hidden: Units of a hidden layer before the output; none when `None`.
        frames: Whether the head reads single frames, for labels that change within seconds.
        seed: The seed of the folds.
        windows: Windows per file, spread evenly over it.
        describe: Description of the music, kept with the head.
        license: License of the head, kept with it.
        progress: Called with the number of files whose embeddings are there, and of all files; or a bar.

    Raises:
        HeadError: There are too few files or labels.
        AudioError: No file can be used.
        ValueError: `hidden` or `windows` is less than 1.
    """
    if windows < 1 or (hidden is not None and hidden < 1):
        raise ValueError(f"windows is {windows} and hidden is {hidden}; give 1 or more.")
    analyzer = analyzer or Analyzer()
    if isinstance(data, str | os.PathLike):
        files, name = _in_folder(Path(data)), Path(data).name
    else:
        files, name = [_labeled(file) for file in data], "files"
    training: _native._Training = {
        "task": task,
        "layers": None if layers == "all" else [int(layer) for layer in layers],
        "mix": mix,
        "hidden": hidden,
        "frames": frames,
        "seed": seed,
        "windows": windows,
        "training_data": describe,
        "data_name": name,
        "license": license,
    }
    file, report, notes = _native.train(analyzer._native, files, training, callback(progress))
    scores = json.loads(report)
    return TrainedHead(
        task=task,
        labels=scores.pop("labels"),
        accuracy=scores["files"]["accuracy"],
        scores=scores,
        notes=notes,
        file=file,
        _analyzer=analyzer,
    )


def _labeled(file: LabeledFile) -> tuple[str, str, str]:
    path, label = os.fspath(file[0]), file[1]
    return path, label, file[2] if len(file) == 3 else path


def _in_folder(root: Path) -> list[tuple[str, str, str]]:
    """The audio files below a folder, by path; the folders directly inside it are the labels."""
    if not root.is_dir():
        raise NotADirectoryError(f"{root} is no folder; give a folder with one folder of audio per label.")
    files = []
    for folder, folders, names in os.walk(root, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        inside = Path(folder).relative_to(root).parts
        for name in names:
            path = str(Path(folder) / name)
            if not name.startswith(".") and _native.is_audio_path(path):
                files.append((path, inside[0] if inside else "", path))
    return sorted(files)
