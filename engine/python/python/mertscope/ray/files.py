"""Files on a local or remote file system: finding them, and their bytes on a worker's disk."""

import os
import posixpath
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import pyarrow as pa
from pyarrow import fs

from mertscope import _native

Place: TypeAlias = str | os.PathLike[str]
"""A path on this machine, or the address of a remote folder such as `s3://bucket/music`."""

FILE_SCHEMA = pa.schema(
    [
        pa.field("path", pa.string(), nullable=False),
        pa.field("file", pa.string(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
        pa.field("size", pa.int64()),
        pa.field("modified", pa.timestamp("us", tz="UTC")),
        pa.field("known_sha256", pa.string()),
    ]
)
"""A row per file: its path inside the root, its path on the file system, its name in messages, its size and time, and
the SHA-256 of its bytes when rows were made of it last."""


def file_system(place: Place, given: Any = None) -> tuple[fs.FileSystem, str]:
    """The file system of a place, and the path there.

    Args:
        place: A path or an address.
        given: A file system of pyarrow or fsspec on which `place` is a path.

    Raises:
        ValueError: No file system is known for such an address.
    """
    text = os.fspath(place)
    if isinstance(given, fs.FileSystem):
        return given, text.rstrip("/")
    if given is not None:
        return fs.PyFileSystem(fs.FSSpecHandler(given)), text.rstrip("/")
    if "://" not in text:
        return fs.LocalFileSystem(), os.path.abspath(text)
    try:
        system, path = fs.FileSystem.from_uri(text)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ValueError(
            f"{text} can't be opened ({error}); give a path, an address that pyarrow knows, "
            "or a file system of pyarrow or fsspec with filesystem."
        ) from error
    return system, path.rstrip("/")


def find(root: Place, files: Iterable[str] | None = None, filesystem: Any = None) -> pa.Table:
    """The audio files below a folder, a row per file (`FILE_SCHEMA`), sorted by path.

    Args:
        root: The folder.
        files: Paths inside the root; every file with the extension of an audio format when `None`. Those that are
            missing stay in the list and get a row with an error. Hidden files are passed over.
        filesystem: A file system of pyarrow or fsspec on which `root` is a path.

    Raises:
        FileNotFoundError: There is no such folder.
    """
    system, base = file_system(root, filesystem)
    if files is None:
        if system.get_file_info(base).type != fs.FileType.Directory:
            raise FileNotFoundError(f"There is no folder {os.fspath(root)}; check its name.")
        infos = system.get_file_info(fs.FileSelector(base, recursive=True))
        rows = [(_inside(info.path, base), info) for info in infos if info.type == fs.FileType.File]
        rows = [row for row in rows if _native.is_audio_path(row[0]) and not _is_hidden(row[0])]
    else:
        paths = sorted({posixpath.normpath(path) for path in files})
        outside = [path for path in paths if path.startswith(("/", "../"))]
        if outside:
            raise ValueError(f"{outside[0]} is not inside {os.fspath(root)}; give paths that are relative to it.")
        found = system.get_file_info([f"{base}/{path}" for path in paths]) if paths else []
        rows = list(zip(paths, found, strict=True))
    # Messages name a file as its user knows it.
    prefix = base if isinstance(system, fs.LocalFileSystem) else os.fspath(root).rstrip("/")
    rows.sort(key=lambda row: row[0])
    return pa.Table.from_pylist([_row(path, prefix, info) for path, info in rows], schema=FILE_SCHEMA)


def _row(path: str, prefix: str, info: fs.FileInfo) -> dict[str, Any]:
    # Whole microseconds, as in the rows of results.
    modified = info.mtime_ns // 1000 if info.mtime_ns is not None else None
    return {
        "path": path,
        "file": info.path,
        "name": f"{prefix}/{path}",
        "size": info.size,
        "modified": modified,
        "known_sha256": None,
    }


def integer_times(table: pa.Table) -> pa.Table:
    """The table with `modified` as microseconds since 1970."""
    column = table.schema.get_field_index("modified")
    return table.set_column(column, "modified", table.column(column).cast(pa.int64()))


def _inside(path: str, base: str) -> str:
    return path.removeprefix(base).lstrip("/")


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") for part in path.split("/"))


@contextmanager
def on_disk(system: fs.FileSystem, file: str, modified_ns: int | None) -> Iterator[str]:
    """The path of a file on this machine's disk: its own, or that of a copy with its time of change.

    Raises:
        OSError: Its bytes can't be had.
    """
    if isinstance(system, fs.LocalFileSystem):
        yield file
        return
    with tempfile.TemporaryDirectory(prefix="mertscope-") as folder:
        copy = os.path.join(folder, "audio")
        with system.open_input_stream(file) as source, open(copy, "wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
        if modified_ns is not None:
            os.utime(copy, ns=(modified_ns, modified_ns))
        yield copy
