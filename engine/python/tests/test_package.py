"""The package itself: its types, its files, its license, and the examples of its documents."""

import re
import subprocess
import sys
import tomllib
from importlib import metadata, util
from pathlib import Path

import pytest
from conftest import ROOT, music, write_wav

import mertscope

PAGES = ["docs/python.md", "README.md", "engine/python/README.md"]


def test_the_types_are_strict_and_the_stubs_are_those_of_the_compiled_part() -> None:
    package = Path(mertscope.__file__).parent
    assert (package / "py.typed").is_file()
    checks = [
        ["mypy", "--strict", "-p", "mertscope"],
        ["mypy.stubtest", "mertscope._native", "--ignore-disjoint-bases"],
    ]
    for check in checks:
        ran = subprocess.run([sys.executable, "-m", *check], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_wheel_has_its_version_its_licenses_and_no_onnx_runtime() -> None:
    workspace = tomllib.loads((ROOT / "Cargo.toml").read_text())
    assert mertscope.__version__ == workspace["workspace"]["package"]["version"]
    files = [str(file) for file in metadata.files("mertscope") or []]
    names = {file.rpartition("/")[2] for file in files if "licenses/" in file}
    assert {"LICENSE-MIT", "LICENSE-APACHE", "musicnn-ISC.md", "Inter-OFL.txt"} <= names
    assert [file for file in files if "onnxruntime" in file and file.endswith((".so", ".dll", ".dylib"))] == []


def test_the_licenses_of_the_wheel_are_those_of_the_repository() -> None:
    sources = {
        "LICENSE-MIT": "LICENSE-MIT",
        "LICENSE-APACHE": "LICENSE-APACHE",
        "musicnn-ISC.md": "assets/embedded/licences/musicnn-ISC.md",  # spelling as stored
        "Inter-OFL.txt": "assets/fonts/OFL.txt",
    }
    for name, source in sources.items():
        copy = ROOT / "engine/python/licenses" / name
        assert copy.read_bytes() == (ROOT / source).read_bytes(), name


def _examples() -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        text = (ROOT / page).read_text()
        for number, code in enumerate(re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE), 1):
            found.append((f"{page} {number}", code))
    return found


@pytest.mark.parametrize(("name", "code"), _examples(), ids=[name for name, _ in _examples()])
def test_the_examples_of_the_documents_run(
    name: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in re.findall(r"^(?:import|from) (\w+)", code, re.MULTILINE):
        if util.find_spec(module) is None:
            pytest.skip(f"the package {module} is not installed")
    monkeypatch.chdir(tmp_path)
    # A head that an example installs is not there for other tests.
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "assets").symlink_to(ROOT / "assets")
    (tmp_path / "song.flac").write_bytes((ROOT / "assets/demo/two-rooms.ogg").read_bytes())
    for label in ("calm", "tense"):
        (tmp_path / "music" / label).mkdir(parents=True)
        for number in range(3):
            write_wav(tmp_path / "music" / label / f"{number}.wav", music(6, number + 10 * (label == "calm")))
    exec(compile(code, name, "exec"), {"__name__": "__main__"})
