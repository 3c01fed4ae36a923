"""Reads the tables of `tests/tests/tables.rs` with pyarrow, polars and DuckDB, and compares what they read.

Run in a folder with keys.parquet, vectors.parquet, narrow.parquet and the parts in keys/.
"""

import json

import duckdb
import polars
import pyarrow.dataset
import pyarrow.parquet

PATHS = ["0/0000.wav", "1/0001.wav", "2/0002.wav", "broken.wav"]


def keys() -> None:
    """The rows of an analysis, from the merged file and from the folder of parts."""
    table = pyarrow.parquet.read_table("keys.parquet")
    rows = sorted(table.to_pylist(), key=lambda row: row["path"])
    assert [row["path"] for row in rows] == PATHS
    assert rows[3]["error"] and rows[3]["summary"] is None and rows[3]["timeline"] == []
    assert all(row["error"] is None and row["timeline"] for row in rows[:3])
    run = json.loads(table.schema.metadata[b"mertscope"])
    assert run["model"]["sha256"] == rows[0]["model_sha256"]
    key = next(head for head in run["heads"] if head["task"] == "key")
    assert len(key["labels"]) == len(rows[0]["timeline"][0]["key"]) == 24

    parts = pyarrow.dataset.dataset("keys", format="parquet").to_table()
    assert sorted(parts["path"].to_pylist()) == PATHS

    frame = polars.read_parquet("keys.parquet").sort("path")
    assert frame["path"].to_list() == PATHS
    windows = frame["timeline"].to_list()
    assert [len(each) for each in windows] == [len(row["timeline"]) for row in rows]
    assert frame["summary"].struct.field("key_best").to_list()[:3] == [
        row["summary"]["key_best"] for row in rows[:3]
    ]

    found = duckdb.sql(
        "select path, summary.key_best, len(timeline) from 'keys/*.parquet' order by path"
    ).fetchall()
    assert [row[0] for row in found] == PATHS
    assert [row[1] for row in found[:3]] == [
        row["summary"]["key_best"] for row in rows[:3]
    ]
    assert [row[2] for row in found] == [len(row["timeline"]) for row in rows]


def vectors(name: str) -> list:
    """The vectors by path and layer, from pyarrow; with polars and DuckDB compared where they know the type."""
    table = pyarrow.parquet.read_table(f"{name}.parquet")
    dim = int(table.schema.field("vector").metadata[b"dim"])
    rows = sorted(table.to_pylist(), key=lambda row: (row["path"], row["layer"] or 0))
    assert all(len(row["vector"]) == dim for row in rows if row["error"] is None)
    assert [row["vector"] for row in rows if row["error"]] == [None]
    return rows


def main() -> None:
    """Compares all tables."""
    keys()
    wide, narrow = vectors("vectors"), vectors("narrow")
    for row, small in zip(wide, narrow, strict=True):
        for value, rounded in zip(
            row["vector"] or [], small["vector"] or [], strict=True
        ):
            assert abs(value - float(rounded)) <= max(abs(value), 1e-3) / 1024
    frame = polars.read_parquet("vectors.parquet").sort("path", "layer")
    assert frame["vector"].to_list() == [row["vector"] for row in wide]
    found = duckdb.sql(
        "select vector from 'vectors.parquet' order by path, layer"
    ).fetchall()
    assert [row[0] for row in found] == [row["vector"] for row in wide]
    print(
        "all tables agree:", pyarrow.__version__, polars.__version__, duckdb.__version__
    )


main()
