"""Runs over many files on a Ray cluster."""

import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa
import ray
import ray.exceptions
from pyarrow import ipc

from mertscope import _native
from mertscope.analyzer import Analyzer
from mertscope.ray import written
from mertscope.ray.files import Place, file_system, find
from mertscope.ray.sink import RowsDatasink
from mertscope.ray.workers import METADATA_KEY, AnalyzeFiles, EmbedFiles


@dataclass(frozen=True, slots=True)
class Report:
    """What a run has done."""

    files: int
    """Files that got rows in this run."""
    failed: int
    """Those among them whose row is an error."""
    earlier: int
    """Files that had rows already."""
    broken: list[str]
    """Files with rows that were damaged and set aside; their rows were made again."""


@dataclass(frozen=True)
class _Order:
    """Where files come from, where rows go, and who works."""

    root: Place
    out: Place
    files: Iterable[str] | None
    workers: int | None
    num_gpus: float
    files_per_batch: int
    filesystem: Any
    out_filesystem: Any


def analyze(
    root: Place,
    out: Place,
    analyzer: Analyzer | None = None,
    *,
    files: Iterable[str] | None = None,
    workers: int | None = None,
    num_gpus: float = 0,
    files_per_batch: int = 32,
    filesystem: Any = None,
    out_filesystem: Any = None,
) -> Report:
    """Analyzes the files of a folder on the Ray cluster that this process is connected to, or on this machine.

    Files that have rows in `out` and have not changed are not done again. One run at a time writes a folder.

    Args:
        root: The folder: a path that every node sees, or an address such as `s3://bucket/music`.
        out: The folder for rows, likewise.
        analyzer: The model and the settings; the embedded model when `None`. Without a number of threads each worker
            has one.
        files: Paths inside the root; every audio file when `None`.
        workers: Processes that have the model open; as many as the cores or GPUs of the cluster allow when `None`.
        num_gpus: GPUs of each worker; a share such as 0.5 lets two share one. Without any, models run on the CPU.
        files_per_batch: Files that a worker gets at once, and that a worker's death costs.
        filesystem: A file system of pyarrow or fsspec on which `root` is a path.
        out_filesystem: The same for `out`.

    Raises:
        MertscopeError: A worker can't start, or what is in `out` is of another model, other heads or settings.
        ValueError: The cluster has too few cores or GPUs for the workers.
        OSError: The rows can't be written.
    """
    order = _Order(root, out, files, workers, num_gpus, files_per_batch, filesystem, out_filesystem)
    return _run(AnalyzeFiles, {"analyzer": _for_workers(analyzer, num_gpus)}, order)


def embed(
    root: Place,
    out: Place,
    analyzer: Analyzer | None = None,
    *,
    layers: Literal["all"] | Iterable[int] = "all",
    pool: Literal["mean", "weighted"] = "mean",
    head: str | os.PathLike[str] | None = None,
    float16: bool = False,
    files: Iterable[str] | None = None,
    workers: int | None = None,
    num_gpus: float = 0,
    files_per_batch: int = 32,
    filesystem: Any = None,
    out_filesystem: Any = None,
) -> Report:
    """Embeds the files of a folder on the Ray cluster, a row per layer and file.

    Args:
        root: As for `analyze`, like all arguments that are not named here.
        out: As for `analyze`.
        analyzer: As for `analyze`.
        layers: Numbers of the hidden states, or `"all"`.
        pool: `mean` over time, or `weighted` for the weighted sum of a head, over time.
        head: The head whose layer weights `weighted` uses: its name or its file.
        float16: Whether vectors are kept in 16 bits.
        files: As for `analyze`.
        workers: As for `analyze`.
        num_gpus: As for `analyze`.
        files_per_batch: As for `analyze`.
        filesystem: As for `analyze`.
        out_filesystem: As for `analyze`.

    Raises:
        MertscopeError: As for `analyze`.
        ValueError: As for `analyze`.
        OSError: As for `analyze`.
    """
    order = _Order(root, out, files, workers, num_gpus, files_per_batch, filesystem, out_filesystem)
    wanted = {"layers": layers if layers == "all" else list(layers), "pool": pool, "head": head, "float16": float16}
    return _run(EmbedFiles, {"analyzer": _for_workers(analyzer, num_gpus), **wanted}, order)


def batches(files: pa.Table, files_per_batch: int = 32) -> "ray.data.Dataset":
    """A data set with a block per batch of files (`FILE_SCHEMA`), for `map_batches` with `batch_size=None`."""
    if files_per_batch < 1:
        raise ValueError(f"files_per_batch is {files_per_batch}; give 1 or more.")
    starts = range(0, max(files.num_rows, 1), files_per_batch)
    return ray.data.from_arrow([files.slice(start, files_per_batch) for start in starts])


def _run(worker: type[AnalyzeFiles] | type[EmbedFiles], settings: dict[str, Any], order: _Order) -> Report:
    files = find(order.root, order.files, order.filesystem)
    if order.filesystem is not None or "://" in os.fspath(order.root):
        settings["filesystem"] = file_system(order.root, order.filesystem)[0]
    system, folder = file_system(order.out, order.out_filesystem)
    threads = settings["analyzer"]._settings["threads"]
    resources = {"num_cpus": threads, "num_gpus": order.num_gpus}
    workers = _workers(order, threads)
    with _alone(folder), _sentences():
        described = ray.remote(_described).options(**resources).remote(worker, settings)
        schema = ipc.read_schema(pa.py_buffer(ray.get(described)))
        run = schema.metadata[METADATA_KEY].decode()
        there = written.look(system, folder, run)
        for name in there.broken:
            warnings.warn(f"{name} is broken; its rows are made again.", stacklevel=3)
        open_files = written.remaining(files, there)
        earlier = files.num_rows - open_files.num_rows
        if open_files.num_rows == 0:
            return Report(0, 0, earlier, there.broken)
        sink = RowsDatasink(folder, schema, filesystem=system)
        rows = batches(open_files, order.files_per_batch).map_batches(
            worker,
            fn_constructor_kwargs={**settings, "expected": run},
            batch_format="pyarrow",
            batch_size=None,
            compute=ray.data.ActorPoolStrategy(size=workers),
            **resources,
        )
        # Writing needs no core of its own: workers may have them all.
        rows.write_datasink(sink, ray_remote_args={"num_cpus": 0}, concurrency=workers)
    return Report(sink.files, sink.failed, earlier + open_files.num_rows - sink.files, there.broken)


def _described(worker: type[AnalyzeFiles] | type[EmbedFiles], settings: dict[str, Any]) -> bytes:
    return bytes(worker(**settings).schema.serialize())


def _for_workers(analyzer: Analyzer | None, num_gpus: float) -> Analyzer:
    """The analyzer with one thread unless a number is given, and on the CPU unless workers have GPUs."""
    given = (analyzer or Analyzer()).__getstate__()
    device = "cpu" if given["device"] == "auto" and not num_gpus else given["device"]
    copy = Analyzer.__new__(Analyzer)
    copy.__setstate__({**given, "threads": given["threads"] or 1, "device": device})
    return copy


def _workers(order: _Order, threads: int) -> int:
    """The number of workers, whose threads are no more than the cluster's cores."""
    if not ray.is_initialized():
        ray.init()
    resources: Callable[[], dict[str, float]] = ray.cluster_resources
    cluster = resources()
    cores, gpus = int(cluster.get("CPU", 0)), cluster.get("GPU", 0.0)
    most = cores // threads
    if order.num_gpus:
        most = min(most, int(gpus / order.num_gpus))
    if most < 1 or (order.workers or 1) > most:
        workers = order.workers or 1
        raise ValueError(
            f"{workers} {'worker' if workers == 1 else 'workers'} with {threads} threads and {order.num_gpus:g} GPUs each are more "
            f"than the cluster's {cores} cores and {gpus:g} GPUs; give fewer workers, or an Analyzer with fewer threads."
        )
    return order.workers or most


class _Holder:
    """An actor whose name says that a run writes a folder; it ends with the run's process."""


@contextmanager
def _alone(folder: str) -> Iterator[None]:
    """Keeps a second run on this cluster from the folder.

    Raises:
        MertscopeError: Another run writes it.
    """
    holder = ray.remote(_Holder).options(name=f"mertscope writes {folder}", namespace="mertscope", num_cpus=0)
    try:
        held: Any = holder.remote()
    except ValueError as error:
        raise _native.MertscopeError(
            f"Another run is writing into {folder}; wait until it ends, or name another folder."
        ) from error
    try:
        yield
    finally:
        ray.kill(held)


@contextmanager
def _sentences() -> Iterator[None]:
    """Raises the error of a worker as it would be raised here."""
    try:
        yield
    except ray.exceptions.RayTaskError as error:
        cause = error.cause
        if isinstance(cause, _native.MertscopeError | OSError | ValueError):
            raise cause from None
        raise
