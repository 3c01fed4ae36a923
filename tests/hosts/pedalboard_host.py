"""The VST3 bundle in pedalboard. Usage: pedalboard_host.py CHECK PLUGIN PIECE

Each check is a process, so that a crash names its check. The exit code is 0 when the check passes.
"""

import sys
import threading

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
from server import Server

BLOCK_SIZES = [1, 17, 64, 441, 512, 1024, 4096, 8192]


def demo_audio(piece, seconds):
    """float32 [2, frames] and the rate in Hz."""
    with AudioFile(piece) as file:
        audio = file.read(int(seconds * file.samplerate))
        rate_hz = file.samplerate
    return np.ascontiguousarray(np.vstack([audio, audio])[:2]), rate_hz


def is_untouched(plugin, audio, rate_hz, block_size):
    out = plugin.process(audio, rate_hz, buffer_size=block_size)
    return out.shape == audio.shape and np.array_equal(out.view(np.uint32), audio.view(np.uint32))


def loads(path, _piece):
    """The bundle is an effect named Mertscope without latency; its parameters have values in range."""
    plugin = pedalboard.load_plugin(path)
    assert plugin.name == "Mertscope", plugin.name
    assert plugin.is_effect and not plugin.is_instrument
    assert plugin.reported_latency_samples == 0
    assert plugin.parameters, "there are no parameters"
    for name, parameter in plugin.parameters.items():
        assert 0.0 <= parameter.raw_value <= 1.0, f"{name}: {parameter.raw_value}"


def passes_audio_through(path, piece):
    """A demo piece passes bit for bit, with every block size and sample rate."""
    plugin = pedalboard.load_plugin(path)
    audio, rate_hz = demo_audio(piece, 3.0)
    for block_size in BLOCK_SIZES:
        assert is_untouched(plugin, audio, rate_hz, block_size), f"blocks of {block_size}"
    for rate_hz in [8_000, 48_000, 96_000, 192_000]:
        assert is_untouched(plugin, audio, rate_hz, 512), f"{rate_hz} Hz"


def takes_every_width(path, piece):
    """One to eight channels pass bit for bit with every block size; more are refused with a reason.

    This host switches the side-chain off, and passes null channels for it.
    """
    audio, rate_hz = demo_audio(piece, 1.0)
    noise = np.random.default_rng(5).uniform(-1.0, 1.0, (16, rate_hz)).astype(np.float32)
    for channels in [*range(1, 9), 9, 16]:
        plugin = pedalboard.load_plugin(path)
        if channels <= 8:
            part = np.ascontiguousarray(noise[:channels])
            for block_size in BLOCK_SIZES:
                assert is_untouched(plugin, part, rate_hz, block_size), f"{channels} channels, blocks of {block_size}"
            continue
        try:
            plugin.process(noise[:channels], rate_hz)
        except ValueError as error:
            assert "channel" in str(error), error
        else:
            raise AssertionError(f"{channels} channels were taken")
        assert is_untouched(plugin, audio, rate_hz, 512), f"after {channels} channels"


def switched(plugin):
    """The parameters that hold a value. The trigger is off at once, whatever the host believes."""
    parameters = plugin.parameters.items()
    return {name: parameter for name, parameter in parameters if name != "start_again"}


def keeps_state(path, _piece):
    """A state restores the parameters, in another instance too; saving again gives the same bytes."""
    plugin = pedalboard.load_plugin(path)
    saved = plugin.raw_state
    before = {name: parameter.raw_value for name, parameter in switched(plugin).items()}
    for parameter in plugin.parameters.values():
        parameter.raw_value = 0.0 if parameter.raw_value > 0.5 else 1.0
    # A VST3 plugin gets a parameter with the next block of audio.
    plugin.process(np.zeros((2, 512), np.float32), 48_000)
    changed = {name: parameter.raw_value for name, parameter in switched(plugin).items()}
    assert changed != before, "no parameter moved"
    changed_state = plugin.raw_state
    for instance in [plugin, pedalboard.load_plugin(path)]:
        for state, expected in [(saved, before), (changed_state, changed), (saved, before)]:
            instance.raw_state = state
            values = {name: parameter.raw_value for name, parameter in switched(instance).items()}
            assert values == expected, f"{values} is not {expected}"
            assert instance.raw_state == state, "saving again gives other bytes"


def opens_its_editor(path, piece):
    """The editor draws, closes and opens again; audio is untouched afterwards. Runs in display.py."""
    screen = Screen()
    plugin = pedalboard.load_plugin(path)
    for time_opened in ["first", "second"]:
        assert becomes_true(screen.is_empty), f"the screen is not empty the {time_opened} time"
        close, drawn = threading.Event(), []

        def watch(close=close, drawn=drawn):
            drawn.append(becomes_true(screen.has_window))
            close.set()

        watcher = threading.Thread(target=watch)
        watcher.start()
        plugin.show_editor(close)
        watcher.join()
        assert drawn == [True], f"nothing was drawn the {time_opened} time"
    assert becomes_true(screen.is_empty), "the window stayed on the screen"
    audio, rate_hz = demo_audio(piece, 1.0)
    assert is_untouched(plugin, audio, rate_hz, 512)


def shows_its_results(path, piece):
    """Each main part of the editor shows results of a played piece. Runs in display.py.

    Keeps a picture of it.
    """
    screen = Screen()
    plugin = pedalboard.load_plugin(path)
    plugin.preset_data = preset_that_waits(plugin.preset_data)
    audio, rate_hz = demo_audio(piece, 20.0)

    # A render that begins before the model has loaded may not be analyzed.
    def is_analyzed():
        plugin.process(audio, rate_hz, buffer_size=512)
        return becomes_true(logged_windows, limit_s=1.0)

    assert becomes_true(is_analyzed), "no window was analyzed"
    close, empty = threading.Event(), []

    def watch():
        becomes_true(lambda: not screen.empty_parts(), limit_s=120.0)
        empty.extend(screen.empty_parts())
        screen.keep("pedalboard")
        close.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    plugin.show_editor(close)
    watcher.join()
    assert not empty, f"nothing is drawn in {empty}"


def plays_while_its_editor_opens_and_closes(path, piece):
    """Audio passes bit for bit while an editor opens and closes. Runs in display.py.

    In a debug bundle an allocation in the audio callback ends the process.
    """
    screen = Screen()
    plugin = pedalboard.load_plugin(path)
    audio, rate_hz = demo_audio(piece, 2.0)
    over, rendered = threading.Event(), []

    def play():
        while not over.is_set():
            rendered.append(is_untouched(plugin, audio, rate_hz, 64))

    player = threading.Thread(target=play)
    player.start()
    for _ in range(6):
        close = threading.Event()
        watcher = threading.Thread(target=lambda: (becomes_true(screen.has_window), close.set()))
        watcher.start()
        plugin.show_editor(close)
        watcher.join()
    over.set()
    player.join()
    assert rendered and all(rendered), rendered


def two_instances(path, piece):
    """Two instances play side by side, and one goes on after the other is deleted."""
    audio, rate_hz = demo_audio(piece, 6.0)
    first, second = pedalboard.load_plugin(path), pedalboard.load_plugin(path)
    for start in range(0, audio.shape[1], rate_hz):
        part = np.ascontiguousarray(audio[:, start : start + rate_hz])
        assert is_untouched(first, part, rate_hz, 512)
        assert is_untouched(second, -part, rate_hz, 480)
    del first
    assert is_untouched(second, audio, rate_hz, 512)


def gives_the_results_of_the_command(path, piece, channels=2):
    """A played demo piece has the results of `mertscope analyze`, window by window."""
    plugin = pedalboard.load_plugin(path)
    plugin.preset_data = preset_that_waits(plugin.preset_data)
    # The host still shows the values before the preset, and sends them to the plugin.
    plugin.parameters["hop"].raw_value = 1.0 / 30.0
    audio, rate_hz = demo_audio(piece, 60.0)
    if channels == 1:
        audio = np.ascontiguousarray(audio.mean(axis=0, keepdims=True))
    windows = len(command_windows())

    # A render that begins before the model has loaded may be analyzed in part only.
    def is_analyzed_whole():
        before = len(logged_windows())
        assert is_untouched(plugin, audio, rate_hz, 512)
        return becomes_true(lambda: len(logged_windows()) == before + windows, limit_s=30.0)

    assert becomes_true(is_analyzed_whole), logged_windows()
    check_against_the_command(logged_windows()[-windows:])


def mono_gives_the_results_of_the_command(path, piece):
    """So has the mean of its channels on a mono track, which is what is heard of a stereo track."""
    gives_the_results_of_the_command(path, piece, channels=1)


def goes_on_when_its_server_dies(path, piece):
    """A plugin whose model runs on a server has the results of the command; so it has after the server died, and the
    server answers again when it is back."""
    audio, rate_hz = demo_audio(piece, 60.0)
    windows = len(command_windows())
    server = Server()
    plugin = pedalboard.load_plugin(path)
    plugin.preset_data = preset_that_waits(plugin.preset_data, f"remote:{server.url}")
    plugin.parameters["hop"].raw_value = 1.0 / 30.0

    def is_analyzed_whole():
        before = len(logged_windows())
        assert is_untouched(plugin, audio, rate_hz, 512)
        whole = becomes_true(lambda: len(logged_windows()) == before + windows, limit_s=60.0)
        if whole:
            check_against_the_command(logged_windows()[-windows:])
        return whole

    assert becomes_true(is_analyzed_whole), logged_windows()
    # What the plugin's start asks for is not among its windows.
    answered = server.answered()
    assert is_analyzed_whole(), "a window is missing"
    assert server.answered() == answered + windows, f"{server.answered()} of {windows} windows came from the server"
    server.end()
    assert is_analyzed_whole(), "a window is missing after the server died"
    server.start()
    assert becomes_true(lambda: is_analyzed_whole() and server.answered() > 0), "the server is not used again"


CHECKS = [
    loads,
    passes_audio_through,
    takes_every_width,
    keeps_state,
    opens_its_editor,
    shows_its_results,
    plays_while_its_editor_opens_and_closes,
    two_instances,
    gives_the_results_of_the_command,
    mono_gives_the_results_of_the_command,
    goes_on_when_its_server_dies,
]

if __name__ == "__main__":
    check, plugin_path, piece_path = sys.argv[1:]
    {check.__name__: check for check in CHECKS}[check](plugin_path, piece_path)
