"""Behavior in a Python process: errors, Ctrl-C, threads, forks, pickles and progress."""

import multiprocessing
import pickle
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import DEMO, RATE, music
from tqdm import tqdm

import mertscope


@pytest.mark.parametrize(
    ("kind", "sentence", "call"),
    [
        (mertscope.AudioError, "There is no file", lambda a: a.analyze("gone.wav")),
        (mertscope.AudioError, "is not audio", lambda a: a.embed(__file__)),
        (mertscope.AudioError, "is a folder", lambda a: a.analyze(Path(__file__).parent)),
        (mertscope.AudioError, "silence", lambda a: a.analyze((np.zeros(0), RATE), name="silence")),
        (mertscope.ModelError, "no layer 99", lambda a: a.embed(DEMO, layers=99)),
        (mertscope.ModelError, "MERT-v9", lambda a: mertscope.Analyzer("MERT-v9")),
        (mertscope.ModelError, "not installed", lambda a: mertscope.Analyzer("MERT-v1-95M")),
        (mertscope.ModelError, "windows of 7 s", lambda a: mertscope.Analyzer(window=7)),
        (mertscope.HeadError, "no head “mood”", lambda a: mertscope.Analyzer(heads=["mood"])),
        (mertscope.HeadError, "gone.safetensors", lambda a: a.embed(DEMO, pool="weighted", head="gone.safetensors")),
        (ValueError, "device", lambda a: mertscope.Analyzer(device="no device")),
        (ValueError, "fp7", lambda a: mertscope.Analyzer(precision="fp7")),
        (ValueError, "hop is -1", lambda a: mertscope.Analyzer(hop=-1)),
        (ValueError, "threads is 0", lambda a: mertscope.Analyzer(threads=0)),
        (ValueError, "pooling “max”", lambda a: a.embed(DEMO, pool="max")),
        (ValueError, "count from 0", lambda a: a.embed(DEMO, layers=[-1])),
        (ValueError, "samples.T", lambda a: a.analyze((music(1).T, RATE))),
        (ValueError, "44100.5", lambda a: a.analyze((music(1), 44_100.5))),
        (TypeError, "int16", lambda a: a.analyze((np.zeros(9, np.int16), RATE))),
        (TypeError, "ndarray", lambda a: a.analyze(music(1))),
        (TypeError, "list of names", lambda a: mertscope.Analyzer(heads="genre")),
    ],
)
def test_mistakes_raise_the_kind_and_the_sentence(
    analyzer: mertscope.Analyzer, kind: type[Exception], sentence: str, call: Callable[[mertscope.Analyzer], object]
) -> None:
    with pytest.raises(kind, match=sentence) as raised:
        call(analyzer)
    assert isinstance(raised.value, mertscope.MertscopeError) == (kind.__module__ == "mertscope")
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)


@pytest.mark.parametrize("work", ["analyze", "embed"])
def test_ctrl_c_stops_the_work(analyzer: mertscope.Analyzer, work: str) -> None:
    # Far more than any machine analyzes before the signal comes.
    hours = np.tile(music(60)[0], 120)
    timer = threading.Timer(1, signal.raise_signal, [signal.SIGINT])
    # A shell starts background jobs with Ctrl-C ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            timer.start()
            getattr(analyzer, work)((hours, RATE))
        timer.join()
    finally:
        signal.signal(signal.SIGINT, before)
    assert analyzer.analyze((music(6), RATE)).timeline[0].status == "ok"


def test_an_error_in_the_progress_function_ends_the_work_within_a_window(analyzer: mertscope.Analyzer) -> None:
    calls = []

    def progress(done: float, total: float | None) -> None:
        calls.append(done)
        raise LookupError("enough")

    for work in (analyzer.analyze, analyzer.embed):
        calls.clear()
        with pytest.raises(LookupError, match="enough"):
            work((music(40), RATE), progress=progress)
        assert len(calls) == 1


def test_progress_goes_to_functions_and_bars(analyzer: mertscope.Analyzer) -> None:
    seen: list[tuple[float, float | None]] = []
    analyzer.analyze((music(20), RATE), progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1] == (20, 20)
    with tqdm(disable=False, file=open("/dev/null", "w")) as bar:
        analyzer.analyze((music(20), RATE), progress=bar)
        analyzer.analyze((music(10), RATE), progress=bar)
        assert (bar.n, bar.total) == (30, 30)


def test_other_threads_run_while_the_model_works(analyzer: mertscope.Analyzer) -> None:
    ticks, ended = 0, threading.Event()

    def tick() -> None:
        nonlocal ticks
        while not ended.is_set():
            ticks += 1
            time.sleep(0.001)

    ticking = threading.Thread(target=tick)
    ticking.start()
    before = ticks
    analyzer.analyze((music(20), RATE))
    during = ticks - before
    ended.set()
    ticking.join()
    # With the interpreter's lock held throughout it would be 1 at most.
    assert during > 3


def test_threads_share_an_analyzer(analyzer: mertscope.Analyzer) -> None:
    pieces = [music(8, seed) for seed in range(3)]
    alone = [analyzer.analyze((piece, RATE)) for piece in pieces]
    together: dict[int, mertscope.Analysis] = {}

    def work(number: int) -> None:
        together[number] = analyzer.analyze((pieces[number], RATE))

    threads = [threading.Thread(target=work, args=[number]) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [together[number] for number in range(3)] == alone


def test_an_analyzer_pickles_as_its_settings(analyzer: mertscope.Analyzer) -> None:
    data = pickle.dumps(analyzer)
    assert len(data) < 1000
    copy = pickle.loads(data)
    assert repr(copy) == repr(analyzer) == "Analyzer(device='cpu', hop=4)"
    piece = music(8), RATE
    assert copy.analyze(piece) == analyzer.analyze(piece)


def _analyze(analyzer: mertscope.Analyzer) -> str:
    return analyzer.analyze((music(8), RATE)).to_json()


_SHARED: list[mertscope.Analyzer] = []


def _analyze_shared() -> str:
    return _analyze(_SHARED[0])


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_worker_processes_have_the_same_results(analyzer: mertscope.Analyzer, method: str) -> None:
    # The parent's model is open when it forks.
    here = _analyze(analyzer)
    _SHARED[:] = [analyzer]
    with multiprocessing.get_context(method).Pool(1) as workers:
        assert workers.apply_async(_analyze, [analyzer]).get(300) == here
        if method == "fork":
            assert workers.apply_async(_analyze_shared).get(300) == here
    assert _analyze(analyzer) == here


def test_silence_has_windows_and_no_summary(analyzer: mertscope.Analyzer) -> None:
    analysis = analyzer.analyze((np.zeros(RATE * 8), RATE))
    assert analysis.summary is None and analysis.key is None and analysis.genre is None
    assert {window.status for window in analysis.timeline} == {"silent"}
    assert "louder than" in analysis.notes[0]
    assert np.isnan(analysis.array("key")).all()
