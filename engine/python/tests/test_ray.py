"""Many files on a local Ray cluster: what a single machine's run writes, though worker processes are killed."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import ray
from conftest import Run, music, write_wav

import mertscope
import mertscope.ray
from mertscope.ray.run import _alone

# Their processes are found in /proc.
pytestmark = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="worker processes are killed on Linux only"
)


@pytest.fixture(scope="module", autouse=True)
def cluster(own_user: None) -> Iterator[None]:
    """A cluster of this machine with two cores."""
    with pytest.MonkeyPatch.context() as patch:
        # It would leave a token in the home of the real user.
        patch.setenv("RAY_AUTH_MODE", "disabled")
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=200 << 20)
        yield
        ray.shutdown()


@pytest.fixture
def on_cpu() -> mertscope.Analyzer:
    """The embedded model with one thread."""
    return mertscope.Analyzer(device="cpu", threads=1)


def _fill(folder: Path, count: int) -> Path:
    """Short files, no two alike, in a few folders, and one that is no audio."""
    for number in range(count):
        (folder / str(number % 3)).mkdir(parents=True, exist_ok=True)
        _write(folder / f"{number % 3}/{number:04}.wav", number)
    (folder / "broken.wav").write_text("no audio")
    return folder


def _write(path: Path, seed: int) -> None:
    samples = music(0.3, seed % 50)[:1] * np.float32(1 - seed / 5_000)
    write_wav(path, samples)


def _of_the_command(command: Run, root: Path, out: Path, *options: object) -> pa.Table:
    """The merged rows of the command on one machine."""
    verb = "embed" if options else "analyze"
    command(verb, root, "--out", out, "--quiet", "--device", "cpu", "--threads", 1, *options, code=1)
    command("merge", out, "--out", f"{out}.parquet")
    return pq.read_table(f"{out}.parquet")


def _assert_equal(rows: pa.Table, expected: pa.Table) -> None:
    """The same rows in any order, of the same run."""
    run, other = (json.loads(table.schema.metadata[b"mertscope"]) for table in (rows, expected))
    assert run == other
    rows, expected = (table.take(pc.sort_indices(table["path"])) for table in (rows, expected))
    assert rows["path"].to_pylist() == expected["path"].to_pylist()
    assert rows.schema.equals(expected.schema, check_metadata=False)
    for name in expected.column_names:
        assert rows[name].equals(expected[name]), name


def _worker_at_work() -> int | None:
    """A process of this test's cluster that is in a batch of files."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            title = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if b"MapBatches(AnalyzeFiles)" in title and b".submit" in title and _is_below_us(int(folder.name)):
            return int(folder.name)
    return None


def _is_below_us(process: int) -> bool:
    while process > 1:
        try:
            process = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            return False
        if process == os.getpid():
            return True
    return False


def _writer_at_work(out: Path) -> int | None:
    """A process that has a file of rows open under its temporary name."""
    names = (entry.name for entry in os.scandir(out)) if out.is_dir() else iter(())
    writing = next((name for name in names if name.startswith(".rows-")), None)
    return None if writing is None else int(writing.removesuffix(".tmp").rpartition("-")[2])


class _Killer(threading.Thread):
    """Kills the process that `find` finds, and others after it until `is_certain` says of one that it was killed at work."""

    def __init__(self, find: Callable[[], int | None], wait_s: float, is_certain: Callable[[int], bool]) -> None:
        super().__init__(daemon=True)
        self._find, self._wait_s, self._is_certain = find, wait_s, is_certain
        self.killed: int | None = None
        self.ended = threading.Event()
        self.start()

    def run(self) -> None:
        while self.killed is None and not self.ended.is_set():
            process = self._find()
            if process is None:
                time.sleep(self._wait_s)
                continue
            os.kill(process, signal.SIGKILL)
            time.sleep(0.2)
            if self._is_certain(process):
                self.killed = process


def _left_a_file(out: Path, process: int) -> bool:
    return any(name.name.endswith(f"-{process}.tmp") for name in os.scandir(out))


@pytest.mark.parametrize(
    ("count", "files_per_batch", "kills_writer"),
    [(30, 5, False), pytest.param(2_000, 10, True, marks=pytest.mark.long)],
)
def test_a_run_whose_workers_are_killed_equals_that_of_one_machine(
    command: Run, on_cpu: mertscope.Analyzer, tmp_path: Path, count: int, files_per_batch: int, kills_writer: bool
) -> None:
    root, out = _fill(tmp_path / "music", count), tmp_path / "keys"
    killers = [_Killer(_worker_at_work, 0.02, lambda process: True)]
    if kills_writer:
        killers.append(_Killer(lambda: _writer_at_work(out), 0.0005, lambda process: _left_a_file(out, process)))
    report = mertscope.ray.analyze(root, out, on_cpu, files_per_batch=files_per_batch)
    for killer in killers:
        killer.ended.set()
        killer.join()
        assert killer.killed is not None, "the run ended before a process could be killed"
    assert (report.files, report.failed, report.earlier) == (count + 1, 1, 0)
    _assert_equal(mertscope.ray.read(out), _of_the_command(command, root, tmp_path / "one"))
    # Nothing is left to do, and nothing is left over.
    assert mertscope.ray.analyze(root, out, on_cpu).files == 0
    assert [name for name in os.listdir(out) if name.endswith(".tmp")] == []


def test_a_second_run_does_what_is_new_changed_or_broken(
    command: Run, on_cpu: mertscope.Analyzer, tmp_path: Path
) -> None:
    root, out = _fill(tmp_path / "music", 6), tmp_path / "keys"
    assert mertscope.ray.analyze(root, out, on_cpu, files_per_batch=2).files == 7
    os.utime(root / "0/0000.wav", (1, 1))
    _write(root / "1/0001.wav", 99)
    _write(root / "2/new.wav", 98)
    paths = {name: pq.read_table(out / name)["path"].to_pylist() for name in os.listdir(out)}
    damaged = next(name for name, inside in paths.items() if not {"0/0000.wav", "1/0001.wav"} & set(inside))
    (out / damaged).write_bytes((out / damaged).read_bytes()[:-9])
    with pytest.raises(mertscope.MertscopeError, match="is broken"):
        mertscope.ray.read(out)
    with pytest.warns(UserWarning, match=f"{damaged}.broken is broken"):
        report = mertscope.ray.analyze(root, out, on_cpu, files_per_batch=2)
    assert report.files == 2 + len(paths[damaged]) and len(report.broken) == 1
    rows = mertscope.ray.read(out)
    expected = _of_the_command(command, root, tmp_path / "one")
    # A file that was only touched keeps the time that it had.
    _assert_equal(rows.drop_columns("modified"), expected.drop_columns("modified"))


def test_rows_of_one_file_count_once(on_cpu: mertscope.Analyzer, tmp_path: Path) -> None:
    root, out = _fill(tmp_path / "music", 2), tmp_path / "keys"
    mertscope.ray.analyze(root, out, on_cpu, files_per_batch=1)
    files = mertscope.ray.find(root)
    sink = mertscope.ray.RowsDatasink(out, mertscope.ray.AnalyzeFiles(on_cpu).schema)
    # A pipeline of one's own; its blocks have other names.
    batches = mertscope.ray.batches(files, 3)
    rows = batches.map_batches(
        mertscope.ray.AnalyzeFiles,
        fn_constructor_args=[on_cpu],
        batch_format="pyarrow",
        batch_size=None,
        num_cpus=1,
        compute=ray.data.ActorPoolStrategy(size=1),
    )
    rows.write_datasink(sink)
    assert len(list(out.glob("*.parquet"))) == 4
    assert sorted(mertscope.ray.read(out, ["path"])["path"].to_pylist()) == files["path"].to_pylist()


def test_vectors_are_those_of_the_command_also_from_another_file_system(
    command: Run, on_cpu: mertscope.Analyzer, tmp_path: Path
) -> None:
    root, out = _fill(tmp_path / "music", 3), tmp_path / "vectors"
    for file in root.rglob("*.wav"):
        # fsspec has times as floating-point seconds, which round the last microsecond of others.
        os.utime(file, (1_700_000_000, 1_700_000_000))
    mertscope.ray.embed(
        str(root),
        str(out),
        on_cpu,
        layers=[0, 2],
        float16=True,
        files=["0/0000.wav", "broken.wav", "gone.wav", "1/0001.wav", "2/0002.wav"],
        filesystem=fsspec.filesystem("file"),
    )
    rows = mertscope.ray.read(out)
    gone = rows.filter(pc.equal(rows["path"], "gone.wav"))
    assert "gone.wav can't be read" in gone["error"][0].as_py()
    rows = rows.filter(pc.not_equal(rows["path"], "gone.wav"))
    _assert_equal(rows, _of_the_command(command, root, tmp_path / "one", "--layers", "0,2", "--float16"))


def test_mistakes_have_their_sentences(on_cpu: mertscope.Analyzer, tmp_path: Path) -> None:
    root, out = _fill(tmp_path / "music", 1), tmp_path / "keys"
    mertscope.ray.analyze(root, out, on_cpu)
    with pytest.raises(mertscope.MertscopeError, match=r"hop_s = 1\.0, not 2\.0.*another folder"):
        mertscope.ray.analyze(root, out, mertscope.Analyzer(device="cpu", hop=2))
    with pytest.raises(mertscope.MertscopeError, match="Another run is writing"), _alone(str(out)):
        mertscope.ray.analyze(root, out, on_cpu)
    with pytest.raises(ValueError, match=r"3 workers with 1 threads.*2 cores"):
        mertscope.ray.analyze(root, out, on_cpu, workers=3)
    with pytest.raises(ValueError, match="0 GPUs; give fewer"):
        mertscope.ray.analyze(root, out, on_cpu, num_gpus=1)
    with pytest.raises(FileNotFoundError, match="no folder"):
        mertscope.ray.analyze(tmp_path / "gone", out, on_cpu)
    with pytest.raises(ValueError, match="not inside"):
        mertscope.ray.analyze(root, out, on_cpu, files=["../elsewhere.wav"])
    with pytest.raises(mertscope.MertscopeError, match="no rows"):
        mertscope.ray.read(tmp_path / "gone")
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        mertscope.ray.analyze(root, tmp_path / "file", on_cpu)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda run: run["written_by"].update(mertscope="9.9.9"), "mertscope .* the one that started first 9.9.9"),
        (lambda run: run["written_by"].update(onnxruntime="1.0.0"), "onnxruntime .* first 1.0.0; install one version"),
        (lambda run: run["model"].update(sha256="0" * 64), "is of the model .*; install the same models"),
    ],
)
def test_workers_that_differ_are_refused(
    on_cpu: mertscope.Analyzer, change: Callable[[dict[str, dict[str, str]]], None], sentence: str
) -> None:
    expected = json.loads(mertscope.ray.AnalyzeFiles(on_cpu).run)
    change(expected)
    with pytest.raises(mertscope.MertscopeError, match=f"The worker on .* {sentence}"):
        mertscope.ray.AnalyzeFiles(on_cpu, expected=json.dumps(expected))
