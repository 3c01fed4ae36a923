"""Heads of one's own, and the published models."""

from pathlib import Path

import numpy as np
import pytest
from conftest import RATE, Run, music, write_wav

import mertscope


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two labels, three files each, and one file that is no audio."""
    root = tmp_path_factory.mktemp("sounds")
    for number in range(3):
        for label in ("chord", "noise"):
            (root / label).mkdir(exist_ok=True)
            noise = np.random.default_rng(number).normal(0, 0.1, (1, 6 * RATE)).astype(np.float32)
            samples = music(6, number) if label == "chord" else noise
            write_wav(root / label / f"{number}.wav", samples)
    (root / "noise/broken.wav").write_text("no audio")
    return root


def test_a_head_is_that_of_the_command_bit_for_bit(
    analyzer: mertscope.Analyzer, command: Run, sounds: Path, tmp_path: Path
) -> None:
    seen: list[tuple[float, float | None]] = []
    head = mertscope.heads.train(
        sounds, task="sound", analyzer=analyzer, layers=[1, 2], progress=lambda *at: seen.append(at)
    )
    assert seen[-1] == (7, 7)
    assert head.labels == ["chord", "noise"]
    assert head.accuracy == head.scores["files"]["accuracy"] == 1
    assert len(head.notes) == 1 and "broken.wav" in head.notes[0]
    with pytest.raises(AssertionError, match=r"broken\.wav"):
        # It ends with an error, because of the broken file, and writes the head.
        command(
            *("heads", "train", "--data", sounds, "--task", "sound", "--layers", "1,2", "--device", "cpu"),
            *("--out", tmp_path / "command.safetensors", "--quiet"),
        )
    assert head.save(tmp_path / "own.safetensors").read_bytes() == (tmp_path / "command.safetensors").read_bytes()


def test_a_stored_head_answers_and_a_list_of_files_gives_the_same(analyzer: mertscope.Analyzer, sounds: Path) -> None:
    files = [(path, path.parent.name) for path in sorted(sounds.glob("*/[0-9].wav"))]
    head = mertscope.heads.train(files, task="sound", analyzer=analyzer, layers=[2], describe="made up")
    path = head.install("sound")
    assert path.is_file()
    again = mertscope.Analyzer(device="cpu")
    assert "sound" in [head.id for head in again.model.heads]
    window = again.analyze((music(6), RATE)).timeline[0]
    assert window.further["sound"]["chord"] > 0.5
    with pytest.raises(mertscope.HeadError, match="came with a head"):
        head.install("genre")
    path.unlink()


def test_too_little_music_for_a_head_is_named(analyzer: mertscope.Analyzer, sounds: Path) -> None:
    one = [(sounds / "chord/0.wav", "chord"), (sounds / "chord/1.wav", "chord")]
    with pytest.raises(mertscope.HeadError, match="at least two labels"):
        mertscope.heads.train(one, task="sound", analyzer=analyzer)
    with pytest.raises(mertscope.AudioError, match=r"gone\.wav"):
        mertscope.heads.train([("gone.wav", "x")], task="sound", analyzer=analyzer)
    with pytest.raises(mertscope.ModelError, match="no layer 99"):
        mertscope.heads.train(one, task="sound", analyzer=analyzer, layers=[99])
    with pytest.raises(ValueError, match="hidden is 0"):
        mertscope.heads.train(one, task="sound", analyzer=analyzer, hidden=0)


def test_models_are_listed_and_their_licenses_asked_for() -> None:
    listed = {model.id: model for model in mertscope.models.available()}
    model = listed["MERT-v1-95M"]
    assert (model.state, model.agreed, model.folder) == ("absent", False, None)
    assert mertscope.models.installed() == []
    for license in (None, "MIT"):
        with pytest.raises(mertscope.HubError, match=model.license):
            mertscope.models.fetch(model.id, accept_license=license)
    with pytest.raises(mertscope.HubError, match="MERT-v9"):
        mertscope.models.fetch("MERT-v9", accept_license="MIT")
    with pytest.raises(mertscope.HubError, match="not installed"):
        mertscope.models.verify(model.id)
    with pytest.raises(mertscope.HubError, match="not installed"):
        mertscope.models.remove(model.id)


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(mertscope.HubError, match=tmp_path.name):
        mertscope.models.import_folder(tmp_path, id="MERT-v1-95M", accept_license="CC-BY-NC-4.0")
