"""The VST3 bundle in dawdreamer. Usage: dawdreamer_host.py CHECK PLUGIN PIECE

Each check is a process, so that a crash names its check. The exit code is 0 when the check passes.
"""

import os
import pathlib
import sys
import tempfile
import threading

import dawdreamer
import numpy as np
import pedalboard
from pedalboard.io import AudioFile

from display import Screen, becomes_true
from results import (
    check_against_the_command,
    command_windows,
    logged_windows,
    preset_that_waits,
)

BLOCK_SIZES = [1, 64, 441, 512, 8192]


def demo_audio(piece, seconds):
    """float32 [2, frames] and the rate in Hz."""
    with AudioFile(piece) as file:
        audio = file.read(int(seconds * file.samplerate))
        rate_hz = file.samplerate
    return np.ascontiguousarray(np.vstack([audio, audio])[:2]), rate_hz


def loads(path, _piece):
    """The bundle loads as stereo in, stereo out, without latency, and lists its parameters."""
    engine = dawdreamer.RenderEngine(48_000, 512)
    plugin = engine.make_plugin_processor("mertscope", path)
    assert plugin.get_num_input_channels() >= 2, plugin.get_num_input_channels()
    assert plugin.get_num_output_channels() == 2, plugin.get_num_output_channels()
    assert plugin.get_latency_samples() == 0
    assert plugin.get_plugin_parameter_size() > 0
    for parameter in plugin.get_parameters_description():
        assert parameter["name"], parameter


def renders_untouched(path, piece):
    """A demo piece passes bit for bit, with every block size, through two instances in a row."""
    audio, rate_hz = demo_audio(piece, 3.0)
    frames = audio.shape[1]
    for block_size in BLOCK_SIZES:
        engine = dawdreamer.RenderEngine(rate_hz, block_size)
        source = engine.make_playback_processor("source", audio)
        first = engine.make_plugin_processor("first", path)
        second = engine.make_plugin_processor("second", path)
        engine.load_graph([(source, []), (first, ["source"]), (second, ["first"])])
        engine.render(frames / rate_hz)
        out = engine.get_audio()[:, :frames]
        assert out.shape[1] >= frames - block_size, f"blocks of {block_size}: {out.shape}"
        same = out.view(np.uint32) == audio[:, : out.shape[1]].view(np.uint32)
        assert same.all(), f"blocks of {block_size}: {np.count_nonzero(~same)} samples differ"


def keeps_state(path, _piece):
    """A new instance loads a changed parameter from a saved file."""
    engine = dawdreamer.RenderEngine(48_000, 512)
    plugin = engine.make_plugin_processor("one", path)
    index = plugin.get_parameters_description()[0]["index"]
    value = 0.0 if plugin.get_parameter(index) > 0.5 else 1.0
    plugin.set_parameter(index, value)
    # A VST3 plugin gets a parameter with the next block of audio.
    engine.load_graph([(plugin, [])])
    engine.render(0.1)
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "state"
        plugin.save_state(str(file))
        other = engine.make_plugin_processor("two", path)
        assert other.get_parameter(index) != value, "both are alike before the state is loaded"
        other.load_state(str(file))
        assert other.get_parameter(index) == value, other.get_parameter(index)


def logging_plugin(engine, path):
    """The plugin with exact offline analysis and the log on."""
    plugin = engine.make_plugin_processor("mertscope", path)
    preset = preset_that_waits(pedalboard.load_plugin(path).preset_data)
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "preset.vstpreset"
        file.write_bytes(preset)
        assert plugin.load_vst3_preset(str(file)), "the preset is refused"
    return plugin


def gives_the_results_of_the_command(path, piece, source="Main"):
    """A rendered demo piece has the results of `mertscope analyze`, window by window.

    This host renders faster than real time and calls it real time: the plugin sees it by the clock.
    """
    audio, rate_hz = demo_audio(piece, 60.0)
    engine = dawdreamer.RenderEngine(rate_hz, 512)
    plugin = logging_plugin(engine, path)
    names = [parameter["name"] for parameter in plugin.get_parameters_description()]
    plugin.set_parameter(names.index("Hop"), 1.0 / 30.0)
    plugin.set_parameter(names.index("Source"), 0.0 if source == "Main" else 1.0)
    noise = np.random.default_rng(6).uniform(-1.0, 1.0, audio.shape).astype(np.float32)
    main, other = (audio, noise) if source == "Main" else (noise, audio)
    # The inputs of the first are the main bus, those of the second the side-chain.
    inputs = [engine.make_playback_processor(name, data) for name, data in [("main", main), ("side", other)]]
    engine.load_graph([*((processor, []) for processor in inputs), (plugin, ["main", "side"])])
    windows = len(command_windows())

    # A render that begins before the model has loaded may be analyzed in part only.
    def is_analyzed_whole():
        before = len(logged_windows())
        engine.render(audio.shape[1] / rate_hz)
        return becomes_true(lambda: len(logged_windows()) == before + windows, limit_s=30.0)

    assert becomes_true(is_analyzed_whole), logged_windows()
    out = engine.get_audio()[:, : audio.shape[1]]
    assert np.array_equal(out.view(np.uint32), main[:, : out.shape[1]].view(np.uint32)), "the main bus is not untouched"
    check_against_the_command(logged_windows()[-windows:])


def side_chain_gives_the_results_of_the_command(path, piece):
    """So has the piece in the side-chain, while noise passes through."""
    gives_the_results_of_the_command(path, piece, source="Side-chain")


def renders_a_mono_source(path, piece):
    """A mono source passes on the left, with silence on the right: this host lays channels side by side.

    It offers a plugin one input bus only (`set_bus`), so one that has a side-chain keeps its stereo bus here.
    """
    audio, rate_hz = demo_audio(piece, 3.0)
    for block_size in BLOCK_SIZES:
        engine = dawdreamer.RenderEngine(rate_hz, block_size)
        source = engine.make_playback_processor("source", np.ascontiguousarray(audio[:1]))
        plugin = engine.make_plugin_processor("mertscope", path)
        engine.load_graph([(source, []), (plugin, ["source"])])
        engine.render(audio.shape[1] / rate_hz)
        left, right = engine.get_audio()[:, : audio.shape[1]]
        expected = audio[0, : len(left)].view(np.uint32)
        assert np.array_equal(left.view(np.uint32), expected), f"blocks of {block_size}"
        assert not right.view(np.uint32).any(), f"blocks of {block_size}: the right side is not silent"


def shows_its_results(path, piece):
    """Each main part of the editor shows results of a rendered piece. Runs in display.py.

    Keeps a picture of it. Only a user can close this host's editor, so the process ends with it open.
    """
    audio, rate_hz = demo_audio(piece, 6.0)
    screen = Screen()
    engine = dawdreamer.RenderEngine(rate_hz, 512)
    source = engine.make_playback_processor("source", audio)
    plugin = logging_plugin(engine, path)
    engine.load_graph([(source, []), (plugin, ["source"])])

    def is_analyzed():
        engine.render(5.2)
        return becomes_true(logged_windows, limit_s=1.0)

    assert becomes_true(is_analyzed), "no window was analyzed"

    def watch():
        becomes_true(lambda: not screen.empty_parts(), limit_s=120.0)
        empty = screen.empty_parts()
        screen.keep("dawdreamer")
        if empty:
            print(f"nothing is drawn in {empty}", file=sys.stderr, flush=True)
        os._exit(1 if empty else 0)

    threading.Thread(target=watch).start()
    plugin.open_editor()


CHECKS = [
    loads,
    renders_untouched,
    renders_a_mono_source,
    keeps_state,
    gives_the_results_of_the_command,
    side_chain_gives_the_results_of_the_command,
    shows_its_results,
]

if __name__ == "__main__":
    check, plugin_path, piece_path = sys.argv[1:]
    {check.__name__: check for check in CHECKS}[check](plugin_path, piece_path)
