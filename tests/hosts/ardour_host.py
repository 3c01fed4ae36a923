"""The VST3 bundle in Ardour, without a window. Usage: ardour_host.py CHECK PLUGIN PIECE

Ardour's session tool runs the steps of `ardour.lua`, its export tool renders sessions. Each step is a
process. The exit code is 0 when the check passes.
"""

import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

import numpy as np

TIMEOUT_S = 300


def tool(name):
    """The path of Ardour's tool with the newest version in its name: ardour7-lua, ardour8-lua …"""
    versions = (shutil.which(f"ardour{version}-{name}") for version in range(12, 5, -1))
    return next(filter(None, versions))


class Session:
    """A session in a folder of its own, with a user's files of its own."""

    def __init__(self, plugin, channels=2, seconds=10):
        self.home = tempfile.TemporaryDirectory()
        home = pathlib.Path(self.home.name)
        self.folder = home / "session"
        self.environment = {
            **os.environ,
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home / "cache"),
            "FOLDER": str(self.folder),
            "VST3_PATH": str(pathlib.Path(plugin).parent),
            "CHANNELS": str(channels),
            "SECONDS": str(seconds),
        }
        self.environment.pop("DISPLAY", None)
        self.scan(plugin)
        self.step("record")

    def run(self, command, **variables):
        done = subprocess.run(
            command,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
        )
        assert done.returncode == 0, f"{command}: exit code {done.returncode}\n{done.stdout}"
        return done.stdout

    def scan(self, plugin):
        """The scan is a program of its own, which Ardour's window starts and its session tool doesn't."""
        lua = pathlib.Path(tool("lua")).read_text()
        libraries = next(word.split("=")[1] for word in lua.split() if word.startswith("ARDOUR_DLL_PATH="))
        scanner = pathlib.Path(libraries) / "ardour-vst3-scanner"
        printed = self.run([scanner, "-v", plugin], LD_LIBRARY_PATH=libraries)
        assert "Found Plugin: Mertscope" in printed, printed

    def step(self, name, **variables):
        """Runs a step of `ardour.lua`; returns the parameters that it prints."""
        script = pathlib.Path(__file__).with_name("ardour.lua")
        printed = self.run([tool("lua"), script], STEP=name, **variables)
        # The tool's exit code is 0 after an error too.
        assert f"done\t{name}" in printed, f"{name}:\n{printed}"
        lines = [line.split("\t")[1:] for line in printed.splitlines() if line.startswith("parameter\t")]
        return {label: float(value) for label, value in lines}

    def export(self, snapshot):
        """The samples of the master bus as they are exported, as float32 [frames, 2]."""
        path = self.folder / f"{snapshot}.wav"
        self.run([tool("export"), "-b", "float", "-o", path, self.folder, snapshot])
        return samples(path.read_bytes())


def samples(wave):
    """The data chunk of a WAV file with two channels of float32."""
    place = 12
    while True:
        name, length = struct.unpack_from("<4sI", wave, place)
        if name == b"data":
            return np.frombuffer(wave, "<f4", length // 4, place + 8).reshape(-1, 2)
        place += 8 + length + length % 2


def exports_untouched(path, _piece):
    """An export of noise is the same with the plugin as without, on a stereo and on a mono track."""
    for channels in [2, 1]:
        session = Session(path, channels)
        session.step("add")
        plain, plugged = session.export("plain"), session.export("plugged")
        assert len(plain) > 9 * 48_000 and np.abs(plain).max() > 0.1, "the export is silent"
        same = plain.shape == plugged.shape and np.array_equal(plain.view(np.uint32), plugged.view(np.uint32))
        assert same, f"the plugin changes the mix of a track with {channels} channels"


def keeps_state(path, _piece):
    """Parameters moved in a session are there after the session was saved and loaded again."""
    session = Session(path)
    before, moved = session.step("add"), session.step("add", MOVE="yes")
    assert before.keys() == moved.keys() and before != moved, f"{before} against {moved}"
    read = session.step("read")
    assert read == moved, f"{read} is not {moved}"


def plays(path, _piece):
    """A session plays from start to end, and the plugin is added and removed while it rolls."""
    session = Session(path)
    session.step("add")
    session.step("play", SPEED="5x Speed")
    session.step("add_and_remove")


if __name__ == "__main__":
    check, plugin, piece = sys.argv[1:]
    globals()[check](plugin, piece)
