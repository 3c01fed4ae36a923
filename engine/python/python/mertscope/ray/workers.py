"""The workers: classes for `map_batches` that open a model once and make the rows of one batch of files after another."""

import hashlib
import json
import os
import socket
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any, Literal

import pyarrow as pa
from pyarrow import fs, ipc

from mertscope import _native
from mertscope.analyzer import Analyzer
from mertscope.ray.files import file_system, integer_times, on_disk

METADATA_KEY = b"mertscope"
"""The key of a run's description in the metadata of its rows."""


class _FileWorker:
    """Makes the rows of files."""

    def __init__(self, filesystem: Any, expected: str | None) -> None:
        self._system = fs.LocalFileSystem() if filesystem is None else file_system("", filesystem)[0]
        try:
            self.schema: pa.Schema = ipc.open_stream(self._stream([])).schema
        except _native.MertscopeError as error:
            raise type(error)(f"The worker on {socket.gethostname()} can't start: {error}") from error
        if expected is not None:
            self._check(expected)

    def _stream(self, files: "list[_native._BatchFile]") -> bytes:
        """The rows of files as a stream of Arrow."""
        raise NotImplementedError

    @property
    def run(self) -> str:
        """The description of the run in JSON: model, heads, settings, versions."""
        return str(self.schema.metadata[METADATA_KEY].decode())

    def _check(self, expected: str) -> None:
        host = socket.gethostname()
        mine, theirs = (json.loads(run)["written_by"] for run in (self.run, expected))
        for package in ("mertscope", "onnxruntime"):
            if mine[package] != theirs[package]:
                raise _native.MertscopeError(
                    f"The worker on {host} has {package} {mine[package]}, the one that started first "
                    f"{theirs[package]}; install one version on every node."
                )
        difference = _native.run_difference(self.run, expected)
        if difference is not None:
            raise _native.ModelError(
                f"The worker on {host} {difference}; install the same models and heads on every node."
            )

    def __call__(self, batch: pa.Table) -> pa.Table:
        """The rows of a batch of files (`FILE_SCHEMA`), in its order.

        A file that can't be read or analyzed has a row with an error; one whose bytes still have its `known_sha256` has
        none.
        """
        with ExitStack() as copies:
            files = [file for row in integer_times(batch).to_pylist() for file in self._open(row, copies)]
            return ipc.open_stream(self._stream(files)).read_all()

    def _open(self, row: dict[str, Any], copies: ExitStack) -> "list[_native._BatchFile]":
        file: _native._BatchFile = {"path": row["path"], "file": row["file"], "name": row["name"], "error": None}
        modified = row["modified"]
        try:
            modified_ns = None if modified is None else modified * 1000
            file["file"] = copies.enter_context(on_disk(self._system, row["file"], modified_ns))
            if row["known_sha256"] is not None and _sha256(file["file"]) == row["known_sha256"]:
                return []
        except OSError as error:
            file["error"] = error.strerror or str(error)
        return [file]


class AnalyzeFiles(_FileWorker):
    """Analyzes files: for `map_batches` on a data set of `batches`, with `batch_format="pyarrow"` and
    `batch_size=None`. The rows are those of `mertscope analyze --out FOLDER`.
    """

    def __init__(self, analyzer: Analyzer, *, filesystem: Any = None, expected: str | None = None) -> None:
        """Opens the model, once per worker.

        Args:
            analyzer: The model and the settings.
            filesystem: A file system of pyarrow or fsspec that the files are on; this machine's when `None`.
            expected: The `run` of a worker that this one has to agree with.

        Raises:
            MertscopeError: The model can't be opened, or this worker does not agree with the other one.
        """
        self._analyzer = analyzer
        super().__init__(filesystem, expected)

    def _stream(self, files: "list[_native._BatchFile]") -> bytes:
        return _native.analysis_rows(self._analyzer._native, files)


class EmbedFiles(_FileWorker):
    """Embeds files: for `map_batches`, as `AnalyzeFiles`. The rows are those of `mertscope embed --out FOLDER`."""

    def __init__(
        self,
        analyzer: Analyzer,
        *,
        layers: Literal["all"] | Iterable[int] = "all",
        pool: Literal["mean", "weighted"] = "mean",
        head: str | os.PathLike[str] | None = None,
        float16: bool = False,
        filesystem: Any = None,
        expected: str | None = None,
    ) -> None:
        """Opens the model, once per worker.

        Args:
            analyzer: The model and the settings.
            layers: Numbers of the hidden states, or `"all"`.
            pool: `mean` over time, or `weighted` for the weighted sum of a head, over time.
            head: The head whose layer weights `weighted` uses: its name or its file.
            float16: Whether vectors are kept in 16 bits.
            filesystem: As for `AnalyzeFiles`.
            expected: As for `AnalyzeFiles`.

        Raises:
            MertscopeError: As for `AnalyzeFiles`.
        """
        if pool not in ("mean", "weighted"):
            raise ValueError(f'pool is {pool!r}; give "mean" or "weighted". `mertscope embed` writes single frames.')
        self._analyzer = analyzer
        self._float16 = float16
        self._wanted: _native._Wanted = {
            "layers": None if layers == "all" else [int(layer) for layer in layers],
            "pool": pool,
            "head": None if head is None else os.fspath(head),
            "whole_s": None,
        }
        super().__init__(filesystem, expected)

    def _stream(self, files: "list[_native._BatchFile]") -> bytes:
        return _native.embedding_rows(self._analyzer._native, files, self._wanted, self._float16)


def _sha256(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
