"""Shared parts of the tests: audio, the command of the same checkout, and an analyzer."""

import json
import os
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import mertscope

ROOT = Path(__file__).resolve().parents[3]
DEMO = ROOT / "assets/demo/two-rooms.ogg"
RATE = 44_100

Samples = npt.NDArray[np.float32]
Run = Callable[..., str]


@pytest.fixture(scope="session", autouse=True)
def own_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A user without models and heads, so that the tests neither see nor change those of the real one."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name)))
        yield


@pytest.fixture(scope="session")
def analyzer() -> mertscope.Analyzer:
    """The embedded model on the CPU, with few windows."""
    return mertscope.Analyzer(device="cpu", hop=4)


@pytest.fixture(scope="session")
def command() -> Run:
    """Runs the `mertscope` command of this checkout with the package's ONNX Runtime, to the exit code `code`; returns its
    standard output.
    """
    program = os.environ.get("MERTSCOPE_COMMAND") or _built()
    environment = {**os.environ, "ORT_DYLIB_PATH": str(mertscope.onnxruntime_library())}

    def run(*arguments: object, code: int = 0) -> str:
        ran = subprocess.run(
            [program, *map(str, arguments)], env=environment, capture_output=True, text=True, check=False
        )
        assert ran.returncode == code, ran.stderr
        return ran.stdout

    return run


def _built() -> str:
    cargo = ["cargo", "build", "--package", "mertscope-cli", "--bin", "mertscope", "--message-format=json"]
    built = subprocess.run(cargo, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    messages = [json.loads(line) for line in built.stdout.splitlines()]
    return next(message["executable"] for message in messages if message.get("executable"))


def music(seconds: float, seed: int = 0) -> Samples:
    """A chord with a little noise, `[2, frames]`."""
    random = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    notes = sum(np.sin(2 * np.pi * (220 + 10 * seed) * ratio * time) for ratio in (1, 1.25, 1.5))
    noise = random.normal(0, 0.01, (2, time.size))
    return (0.1 * notes + noise).astype(np.float32)


def write_wav(path: Path, samples: Samples) -> Path:
    """Writes `[channels, frames]` as a WAV file of 32-bit floats."""
    channels, data = samples.shape[0], samples.T.astype("<f4").tobytes()
    head = struct.pack("<HHIIHH", 3, channels, RATE, RATE * 4 * channels, 4 * channels, 32)
    body = b"WAVEfmt " + struct.pack("<I", 16) + head + b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Lists a skipped test for `cargo xtask test`, which counts them."""
    skipped = os.environ.get("MERTSCOPE_SKIPPED")
    if skipped and report.skipped and isinstance(report.longrepr, tuple):
        with open(skipped, "a") as file:
            file.write(f"{report.nodeid}: {report.longrepr[2]}\n")
