"""The plugin's results, from its results log, compared with those of `mertscope analyze`."""

import json
import os
import pathlib
import struct

HEADER_BYTES = 48  # of a VST3 preset: "VST3", version, class id, place of the list of chunks


def preset_that_waits(preset, device="auto"):
    """The VST3 preset with exact offline analysis and the log on: no window is left out, however fast the
    host is, and each is written down. The model is to run on `device`."""
    (list_offset,) = struct.unpack_from("<q", preset, HEADER_BYTES - 8)
    state = json.loads(preset[HEADER_BYTES:list_offset])
    memory = json.loads(state["fields"]["mertscope"])
    memory["engine"] = {"exact_offline": True, "device": device}
    memory["log"] = {"enabled": True}
    state["fields"]["mertscope"] = json.dumps(memory)
    component = json.dumps(state).encode()
    end = HEADER_BYTES + len(component)
    head = preset[: HEADER_BYTES - 8] + struct.pack("<q", end)
    chunks = struct.pack("<4si4sqq", b"List", 1, b"Comp", HEADER_BYTES, len(component))
    return head + component + chunks


def logged_windows(process=None):
    """The windows in the log of the only logging instance of a process, by its id or "*"; of this one otherwise."""
    folder = pathlib.Path(os.environ["XDG_DATA_HOME"]) / "mertscope" / "logs"
    logs = folder.glob(f"*-{process or os.getpid()}-*.jsonl")
    return [json.loads(line) for log in logs for line in log.read_text().splitlines()]


def command_windows():
    """The windows of `mertscope analyze`, without the last: it ends with the audio, whose end a plugin
    does not know."""
    expected = json.loads(pathlib.Path(os.environ["MERTSCOPE_EXPECTED"]).read_text())
    return expected["files"][0]["timeline"][:-1]


def check_against_the_command(windows, tolerance=0.01):
    """Each window equals the command's window in turn, but for `tolerance` in its probability."""
    for ours, theirs in zip(windows, command_windows()):
        place = f"{ours} against {theirs}"
        assert abs(ours["end_s"] - ours["start_s"] - 5.0) < 1e-3, place
        assert ours["status"] == theirs["status"] == "ok", place
        assert ours["key"] == theirs["key_label"], place
        genre = max(theirs["genre_smoothed"], key=theirs["genre_smoothed"].get)
        assert ours["genre"] == genre, place
        assert abs(ours["genre_probability"] - theirs["genre_smoothed"][genre]) < tolerance, place
