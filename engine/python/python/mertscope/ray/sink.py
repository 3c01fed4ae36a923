"""Where rows go: a data sink of Ray Data that writes a Parquet file per block."""

import hashlib
import os
import socket
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs
from ray.data import Datasink
from ray.data.block import BlockAccessor

from mertscope.ray.files import Place, file_system

PREFIX = "rows-"
SUFFIX = ".parquet"
TEMPORARY = ".tmp"


class RowsDatasink(Datasink[tuple[int, int]]):
    """Writes each block of rows into a file of its own, whose name derives from the paths in the block: a block that is
    written again, because a worker died, replaces what it had written.

    On this machine's file system a file is written under a hidden name, flushed to the disk and renamed.
    """

    def __init__(self, out: Place, schema: pa.Schema, *, filesystem: Any = None) -> None:
        """Names the folder.

        Args:
            out: The folder; it is made when there is none.
            schema: The columns, with the description of the run: that of a worker.
            filesystem: A file system of pyarrow or fsspec on which `out` is a path.
        """
        self._system, self._folder = file_system(out, filesystem)
        self._schema = schema
        self.files, self.failed = 0, 0

    def on_write_start(self, schema: pa.Schema | None = None) -> None:
        """Makes the folder."""
        self._system.create_dir(self._folder, recursive=True)

    def write(self, blocks: Iterable[Any], ctx: Any) -> tuple[int, int]:
        """Writes blocks; returns the number of their files and of those that failed."""
        tables = [BlockAccessor.for_block(block).to_arrow() for block in blocks]
        tables = [table for table in tables if table.num_rows > 0]
        if not tables:
            return 0, 0
        table = pa.concat_tables([self._as_described(table) for table in tables])
        paths = table["path"].to_pylist()
        failed = {path for path, error in zip(paths, table["error"].to_pylist(), strict=True) if error is not None}
        self._store(table, name_of(paths))
        return len(set(paths)), len(failed)

    def on_write_complete(self, write_result: Any) -> None:
        """Adds up what was written."""
        for files, failed in write_result.write_returns:
            self.files += files
            self.failed += failed

    def _as_described(self, table: pa.Table) -> pa.Table:
        # pyarrow refuses to cast a missing summary to its own type, whose fields are never missing.
        named = ((table[field.name], field.type) for field in self._schema)
        columns = [column if column.type.equals(wanted) else column.cast(wanted) for column, wanted in named]
        return pa.Table.from_arrays(columns, schema=self._schema)

    def _store(self, table: pa.Table, name: str) -> None:
        if not isinstance(self._system, fs.LocalFileSystem):
            # Object stores show a file when it is whole.
            with self._system.open_output_stream(f"{self._folder}/{name}") as stream:
                _write(table, stream)
            return
        target = os.path.join(self._folder, name)
        hidden = os.path.join(self._folder, f".{name}.{socket.gethostname()}-{os.getpid()}{TEMPORARY}")
        try:
            with open(hidden, "wb") as stream:
                _write(table, stream)
                stream.flush()
                # On disk before it has its name: a power cut must not leave an empty file.
                os.fsync(stream.fileno())
            os.replace(hidden, target)
        except OSError as error:
            if os.path.exists(hidden):
                os.remove(hidden)
            raise OSError(
                error.errno,
                f"{target} can't be written ({error.strerror or error}); free some space there, or check its folder's "
                "permissions. Files that were finished before are kept; the same call goes on with the others",
            ) from error


def _write(table: pa.Table, stream: Any) -> None:
    pq.write_table(table, stream, compression="snappy", write_page_checksum=True)


def name_of(paths: Iterable[str]) -> str:
    """The name of the file with the rows of these paths."""
    digest = hashlib.sha256("\0".join(sorted(set(paths))).encode())
    return f"{PREFIX}{digest.hexdigest()[:16]}{SUFFIX}"
