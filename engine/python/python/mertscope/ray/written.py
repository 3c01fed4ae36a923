"""What is written: reading it without duplicates, and which files are still to be done."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from mertscope import _native
from mertscope.ray.files import Place, file_system, integer_times
from mertscope.ray.sink import PREFIX, SUFFIX, TEMPORARY
from mertscope.ray.workers import METADATA_KEY

_FACTS = ["path", "size", "modified", "sha256", "model_sha256"]
_Rank: TypeAlias = tuple[bool, int, str]


@dataclass
class Written:
    """The rows in a folder, as far as a run that goes on needs them."""

    done: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The facts of the files whose rows are all there, by path."""
    broken: list[str] = field(default_factory=list)
    """The names of files that were set aside."""


def read(out: Place, columns: Sequence[str] | None = None, *, filesystem: Any = None) -> pa.Table:
    """The rows in a folder that `analyze`, `embed` or a `RowsDatasink` has written.

    Of rows with the same path, hash and model only one counts, as when a worker died after its rows were written; of a
    file that changed those of its last state count.

    Args:
        out: The folder.
        columns: The columns to read; all when `None`.
        filesystem: A file system of pyarrow or fsspec on which `out` is a path.

    Raises:
        MertscopeError: There are no rows, a file is broken, or two are of different models, heads or settings.
    """
    system, folder = file_system(out, filesystem)
    best: dict[tuple[str, str], _Rank] = {}
    names, first = list(_names(system, folder)), None
    if not names:
        raise _native.MertscopeError(f"There are no rows in {folder}; name the folder that they were written into.")
    for name in names:
        table = _facts(system, name)
        first = first or (name, table.schema)
        _same_run(name, table.schema, first[1])
        for row in table.select(_FACTS).to_pylist():
            key, rank = (row["path"], row["model_sha256"]), _rank(row)
            best[key] = max(best.get(key, rank), rank)
    seen: set[tuple[Any, ...]] = set()
    tables = []
    for name in names:
        facts = _facts(system, name)
        keep = []
        for row in facts.to_pylist():
            rank = _rank(row)
            place = (row["path"], row["model_sha256"], rank, row.get("layer"), row.get("frame"))
            keep.append(rank == best[row["path"], row["model_sha256"]] and place not in seen)
            seen.add(place)
        table = _open(system, name).read(columns=columns)
        tables.append(table.filter(pa.array(keep)))
    return pa.concat_tables(tables)


def look(system: fs.FileSystem, folder: str, run: str) -> Written:
    """The files that are done in a folder of the run described by `run`. Broken files are set aside, and what killed
    workers left is removed.

    Raises:
        MertscopeError: What is there is of another model, other heads or other settings.
    """
    written = Written()
    for info in _infos(system, folder):
        if info.base_name.startswith(f".{PREFIX}") and info.base_name.endswith(TEMPORARY):
            system.delete_file(info.path)
    wanted = pa.schema([], metadata={METADATA_KEY: run})
    counts: Counter[tuple[str, str]] = Counter()
    facts: dict[tuple[str, str], dict[str, Any]] = {}
    for name in _names(system, folder):
        try:
            table = _facts(system, name)
        except _native.MertscopeError:
            system.move(name, f"{name}.broken")
            written.broken.append(f"{name}.broken")
            continue
        _same_run(name, table.schema, wanted)
        places = set()
        for row in table.to_pylist():
            key = (row["path"], row["sha256"] or "")
            place = (*key, row.get("layer"))
            counts[key] += place not in places
            places.add(place)
            facts[key] = row
    rows = _rows_per_file(json.loads(run))
    for (path, sha256), row in sorted(facts.items(), key=lambda item: _rank(item[1])):
        if sha256 and (row["error"] is not None or counts[path, sha256] >= rows):
            written.done[path] = row
        else:
            written.done.pop(path, None)
    return written


def remaining(files: pa.Table, written: Written) -> pa.Table:
    """The files (`FILE_SCHEMA`) that are new, could not be read, or look changed: these with the SHA-256 that they had."""
    keep, known = [], []
    for row in integer_times(files).to_pylist():
        then = written.done.get(row["path"])
        same = then is not None and then["size"] == row["size"] and then["modified"] == row["modified"]
        keep.append(not same)
        known.append(None if then is None else then["sha256"])
    column = files.schema.get_field_index("known_sha256")
    return files.set_column(column, files.schema.field(column), pa.array(known, pa.string())).filter(pa.array(keep))


def _rows_per_file(run: dict[str, Any]) -> int:
    return len(run["settings"]["layers"]) if run["kind"] == "embedding" else 1


def _rank(row: dict[str, Any]) -> _Rank:
    modified = row["modified"]
    return (row["sha256"] is not None, modified or 0, row["sha256"] or "")


def _same_run(name: str, schema: pa.Schema, first: pa.Schema) -> None:
    mine, theirs = (schema.metadata[METADATA_KEY].decode(), first.metadata[METADATA_KEY].decode())
    difference = _native.run_difference(mine, theirs)
    if difference is not None:
        raise _native.MertscopeError(
            f"{name} {difference}. Results of both don't belong in one table: use another folder."
        )


def _infos(system: fs.FileSystem, folder: str) -> list[fs.FileInfo]:
    found = system.get_file_info(fs.FileSelector(folder, allow_not_found=True))
    return sorted((info for info in found if info.type == fs.FileType.File), key=lambda info: info.path)


def _names(system: fs.FileSystem, folder: str) -> Iterator[str]:
    for info in _infos(system, folder):
        if info.base_name.startswith(PREFIX) and info.base_name.endswith(SUFFIX):
            yield info.path


def _open(system: fs.FileSystem, name: str) -> pq.ParquetFile:
    try:
        file = pq.ParquetFile(system.open_input_file(name), page_checksum_verification=True)
    except (pa.ArrowException, OSError) as error:
        raise _broken(name, error) from error
    if METADATA_KEY not in (file.schema_arrow.metadata or {}):
        raise _broken(name, "it has no description of its run")
    return file


def _facts(system: fs.FileSystem, name: str) -> pa.Table:
    file = _open(system, name)
    columns = [*_FACTS, "error", *({"layer", "frame"} & set(file.schema_arrow.names))]
    try:
        return integer_times(file.read(columns=columns))
    except (pa.ArrowException, OSError) as error:
        raise _broken(name, error) from error


def _broken(name: str, reason: object) -> _native.MertscopeError:
    return _native.MertscopeError(
        f"{name} is broken ({reason}). Make its rows again with the call that made them, then read."
    )
