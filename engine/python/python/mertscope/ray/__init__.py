"""Many files on a Ray cluster: `pip install "mertscope[ray]"`.

`analyze` and `embed` spread the files of a folder over workers that open the model once, and write the rows that the
command writes into parts. A worker that dies is replaced and its files are done again; a file that can't be read is a
row with an error; a run on the same folder goes on where the last one ended. `AnalyzeFiles`, `EmbedFiles`, `find`,
`batches` and `RowsDatasink` are the pieces, for pipelines of one's own with Ray Data.

>>> import mertscope.ray
>>> mertscope.ray.analyze("s3://bucket/music", "s3://bucket/keys")
>>> mertscope.ray.read("s3://bucket/keys", columns=["path", "summary"])
"""

try:
    import pyarrow as _pyarrow  # noqa: F401
    import ray as _ray  # noqa: F401
except ImportError as error:
    raise ImportError(f'mertscope.ray needs Ray Data ({error}); run `pip install "mertscope[ray]"`.') from error

from mertscope.ray.files import FILE_SCHEMA, find
from mertscope.ray.run import Report, analyze, batches, embed
from mertscope.ray.sink import RowsDatasink
from mertscope.ray.workers import AnalyzeFiles, EmbedFiles
from mertscope.ray.written import read

__all__ = [
    "FILE_SCHEMA",
    "AnalyzeFiles",
    "EmbedFiles",
    "Report",
    "RowsDatasink",
    "analyze",
    "batches",
    "embed",
    "find",
    "read",
]
