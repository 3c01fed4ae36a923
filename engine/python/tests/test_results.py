"""Results: those of the command, from files, samples and streams alike."""

from pathlib import Path

import numpy as np
import pytest
from conftest import DEMO, RATE, Run, music, write_wav

import mertscope


def test_a_file_has_the_results_of_the_command_bit_for_bit(analyzer: mertscope.Analyzer, command: Run) -> None:
    line = command("analyze", DEMO, "--jsonl", "--quiet", "--device", "cpu", "--hop", 4)
    analysis = analyzer.analyze(DEMO)
    assert analysis.to_json() + "\n" == line
    document = analysis.to_dict()
    assert analysis.duration_s == document["duration_s"]
    assert [window.end_s for window in analysis.timeline] == [window["end_s"] for window in document["timeline"]]


def test_a_head_by_name_and_no_smoothing_have_the_results_of_the_command(command: Run) -> None:
    options = ["--head", "genre", "--no-smoothing", "--threads", 1]
    line = command("analyze", DEMO, "--jsonl", "--quiet", "--device", "cpu", "--hop", 8, *options)
    analyzer = mertscope.Analyzer(device="cpu", hop=8, heads=["genre"], smoothing=False, threads=1)
    assert analyzer.analyze(DEMO).to_json() + "\n" == line


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ([], {}),
        (["--layers", "0,2"], {"layers": [0, 2]}),
        (["--pool", "none"], {"pool": "none"}),
    ],
)
def test_hidden_states_are_those_of_the_command_bit_for_bit(
    analyzer: mertscope.Analyzer, command: Run, tmp_path: Path, options: list[str], arguments: dict[str, object]
) -> None:
    out = tmp_path / "states.npy"
    command("embed", DEMO, "--out", out, "--quiet", "--device", "cpu", *options)
    expected = np.load(out)
    states = analyzer.embed(DEMO, **arguments)  # type: ignore[arg-type]
    assert states.dtype == np.float32
    assert states.shape == expected.shape
    assert states.tobytes() == expected.tobytes()


def test_the_key_of_a_demo_piece_is_named(analyzer: mertscope.Analyzer) -> None:
    analysis = analyzer.analyze(DEMO)
    assert analysis.summary is not None and analysis.summary.key is not None
    assert analysis.key == analysis.summary.key.label == "A minor"
    keys = analysis.array("key_smoothed")
    assert keys.shape == (len(analysis.timeline), 24)
    labels = analysis.labels("key_smoothed")
    first = analysis.timeline[0]
    assert first.key_smoothed is not None
    assert keys[0, labels.index("A minor")] == first.key_smoothed["A minor"]


def test_samples_have_the_results_of_a_file_of_the_same_samples(analyzer: mertscope.Analyzer, tmp_path: Path) -> None:
    samples = music(9)
    file = write_wav(tmp_path / "music.wav", samples)
    from_file, from_samples = analyzer.analyze(file), analyzer.analyze((samples, RATE), name=str(file))
    assert from_samples.to_json() == from_file.to_json()
    assert np.array_equal(analyzer.embed((samples, RATE)), analyzer.embed(file))
    mono = samples.mean(axis=0, dtype=np.float64)
    assert analyzer.analyze((mono, RATE)).timeline[0].status == "ok"


@pytest.mark.parametrize("block", [1_000, 44_100, 10_000_000])
def test_a_stream_has_the_results_of_its_file_however_it_is_cut(analyzer: mertscope.Analyzer, block: int) -> None:
    samples = music(14)
    samples[:, 500_000:500_010] = np.nan
    whole = analyzer.analyze((samples, RATE))
    stream = mertscope.Stream(RATE, analyzer)
    windows = []
    for start in range(0, samples.shape[1], block):
        windows += stream.push(samples[:, start : start + block])
    end = stream.finish()
    assert [*windows, *end.timeline] == whole.timeline
    assert {window.status for window in whole.timeline} == {"ok", "invalid"}
    assert end.summary == whole.summary
    assert end.duration_s == whole.duration_s


def test_the_first_result_of_a_stream_comes_with_the_block_that_fills_a_window(analyzer: mertscope.Analyzer) -> None:
    stream = mertscope.Stream(RATE, analyzer)
    second, window_s = music(1), analyzer.model.window_s
    pushed = 1
    while not stream.push(second):
        pushed += 1
    # The resampler holds back a few samples.
    assert window_s <= pushed <= window_s + 1
    with pytest.raises(mertscope.MertscopeError, match="has ended"):
        stream.finish()
        stream.push(second)
