"""The VST3 bundle in Ardour, without a window. Usage: ardour_host.py CHECK PLUGIN PIECE

Ardour's session tool runs the steps of `ardour.lua`, its export tool renders sessions. Each step is a
process. The exit code is 0 when the check passes.
"""

import base64
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile

import numpy as np
from pedalboard.io import AudioFile

from results import check_against_the_command, command_windows, logged_windows, preset_that_waits

TIMEOUT_S = 300

# Of a session in which noise is played.
RATE_HZ = 48_000

# Pairs of exports, of which one may begin differently by itself.
EXPORTS = 4


def tool(name):
    """The path of Ardour's tool with the newest version in its name: ardour7-lua, ardour8-lua …"""
    versions = (shutil.which(f"ardour{version}-{name}") for version in range(12, 5, -1))
    return next(filter(None, versions))


class Session:
    """A session in a folder of its own, with a user's files of its own."""

    def __init__(self, plugin, channels=2, seconds=10, rate_hz=RATE_HZ):
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
            "RATE_HZ": str(rate_hz),
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

    def play_instead(self, audio):
        """Puts samples, float32 [frames], in the place of the recorded noise."""
        for path in self.folder.glob("interchange/*/audiofiles/*.wav"):
            wave = path.read_bytes()
            start, length = data_chunk(wave)
            samples = np.zeros(length // 4, "<f4")
            samples[: len(audio)] = audio
            path.write_bytes(wave[:start] + samples.tobytes() + wave[start + length :])

    def change_plugin_state(self, change):
        """Passes the plugin's state in the session "plugged", a VST3 preset, through `change`."""
        path = self.folder / "plugged.ardour"
        text, count = re.subn(
            r"<chunk>([^<]+)</chunk>",
            lambda match: f"<chunk>{base64.b64encode(change(base64.b64decode(match[1]))).decode()}</chunk>",
            path.read_text(),
        )
        assert count == 1, f"{count} plugins have a state"
        path.write_text(text)

    def export(self, snapshot):
        """The samples of the master bus as they are exported, as float32 [frames, 2]."""
        path = self.folder / f"{snapshot}.wav"
        self.run([tool("export"), "-b", "float", "-o", path, self.folder, snapshot])
        return samples(path.read_bytes())


def data_chunk(wave):
    """The place of the samples in a WAV file: the first byte, and how many."""
    place = 12
    while True:
        name, length = struct.unpack_from("<4sI", wave, place)
        if name == b"data":
            return place + 8, length
        place += 8 + length + length % 2


def samples(wave):
    """The samples of a WAV file with two channels of float32, as [frames, 2]."""
    start, length = data_chunk(wave)
    return np.frombuffer(wave, "<f4", length // 4, start).reshape(-1, 2)


def changed_frames(one, other):
    """The frames in which two exports, float32 [frames, 2], differ."""
    assert one.shape == other.shape, f"{one.shape} became {other.shape}"
    return np.flatnonzero((one.view(np.uint32) != other.view(np.uint32)).any(axis=1))


def exports_untouched(path, _piece):
    """An export of noise is the same with the plugin as without, on a stereo and on a mono track."""
    for channels in [2, 1]:
        session = Session(path, channels)
        session.step("add")
        # Some exports of Ardour 7.3 begin with a fade: its gain comes up from 0 in the first 4,110 frames of the track.
        # Sessions without any plugin show the same 4,110 frames, in 1 of 46 exports on a busy machine, and other exports
        # of the same session don't, so it is Ardour's and a matter of timing. So only a pair of exports that both begin without it can be equal from the first frame on;
        # a plugin that touched these frames would do so in each pair.
        for _ in range(EXPORTS):
            plain, plugged = (session.export(name) for name in ["plain", "plugged"])
            assert len(plain) > 9 * RATE_HZ and np.abs(plain).max() > 0.1, "the export is silent"
            changed = changed_frames(plain, plugged)
            count = f"{len(changed)} frames of {channels} channels"
            late = changed[changed >= RATE_HZ // 2]
            assert not len(late), f"the plugin changes {count}, from {late[0]} on after the start"
            if not len(changed):
                break
        else:
            raise AssertionError(f"the plugin changes {count} from {changed[0]} on in each of {EXPORTS} exports")


def keeps_state(path, _piece):
    """Parameters moved in a session are there after the session was saved and loaded again."""
    session = Session(path)
    before, moved = session.step("add"), session.step("add", MOVE="yes")
    assert before.keys() == moved.keys() and before != moved, f"{before} against {moved}"
    # The trigger is off at once, whatever the host believes.
    moved["Start again"] = 0.0
    read = session.step("read")
    assert read == moved, f"{read} is not {moved}"


def plays(path, _piece):
    """A session plays from start to end, and the plugin is added and removed while it rolls."""
    session = Session(path)
    session.step("add")
    session.step("play", SPEED="5x Speed")
    session.step("add_and_remove")


def an_export_has_the_results_of_the_command(path, piece):
    """An export with exact rendering logs each window of a piece, with the command's results."""
    with AudioFile(piece) as file:
        audio, rate_hz = file.read(file.frames).mean(axis=0), file.samplerate
    # The export tool ends with the render; what the plugin then still holds, 9 s, should be silence.
    session = Session(path, seconds=int(len(audio) / rate_hz) + 12, rate_hz=int(rate_hz))
    session.play_instead(audio)
    session.step("add", HOP=str(1 / 30))
    session.change_plugin_state(preset_that_waits)
    session.export("plugged")
    windows = logged_windows("*")
    assert len(windows) >= len(command_windows()), f"{len(windows)} windows: {windows}"
    # Ardour begins an export some milliseconds early, so the windows are not quite the command's.
    assert -0.05 < windows[0]["start_s"] <= 0.0, windows[0]
    check_against_the_command(windows, tolerance=0.05)


if __name__ == "__main__":
    check, plugin, piece = sys.argv[1:]
    globals()[check](plugin, piece)
