"""The standalone app of the bundles, in its window. Usage: standalone_host.py CHECK PLUGIN PIECE

The app lies in the folder Mertscope beside the plugin. It finds neither a sound card nor a
JACK server here.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

from display import Screen, becomes_true


class App:
    """The app with temporary settings; it is killed when the check has not ended it."""

    def __init__(self, plugin, settings, *words):
        self._folder = tempfile.TemporaryDirectory()
        self.settings_file = pathlib.Path(self._folder.name) / "mertscope" / "standalone.json"
        if settings is not None:
            self.settings_file.parent.mkdir()
            self.settings_file.write_text(json.dumps(settings))
        program = pathlib.Path(plugin).parent / "Mertscope" / "mertscope-standalone"
        environment = os.environ | {
            "XDG_CONFIG_HOME": self._folder.name,
            "ALSA_CONFIG_PATH": "/dev/null",
            "JACK_DEFAULT_SERVER": "mertscope-test-no-server",
        }
        self.process = subprocess.Popen([program, *words], env=environment)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(30)

    def end(self, by):
        """Ends the app by a signal, which closes it as its window's button does."""
        assert self.process.poll() is None, f"it ended by itself with {self.process.poll()}"
        self.process.send_signal(by)
        code = self.process.wait(60)
        assert code == 0, f"it ended with {code}"

    def settings(self):
        """The settings in its file."""
        return json.loads(self.settings_file.read_text())


def opens_its_window(path, piece):
    """The app plays a piece in its window, and closes by SIGTERM and by SIGINT."""
    screen = Screen()
    for by in (signal.SIGTERM, signal.SIGINT):
        with App(path, None, "--file", piece, "--loop") as app:
            assert becomes_true(screen.has_window), "nothing was drawn"
            app.end(by)
        assert becomes_true(screen.is_empty), "the window stayed on the screen"


def keeps_unknown_and_missing_choices(path, _piece):
    """A missing device stays chosen, and fields that the app does not know stay in its file."""
    chosen = {
        "version": 3,
        "audio": {"input": "jack:mixer", "rate_hz": 96000, "channels": "3-4", "later": [1]},
        "later": {"a": 1},
    }
    screen = Screen()
    with App(path, chosen) as app:
        assert becomes_true(screen.has_window), "nothing was drawn"
        app.end(signal.SIGTERM)
        saved = app.settings()
    assert becomes_true(screen.is_empty), "the window stayed on the screen"
    assert saved["plugin"]["params"]["analyse"], saved
    assert {name: saved[name] for name in chosen} == chosen, saved


def ends_after_its_seconds(path, piece):
    """`--seconds` closes the window."""
    with App(path, None, "--file", piece, "--seconds", "3") as app:
        code = app.process.wait(60)
    assert code == 0, f"it ended with {code}"


CHECKS = [opens_its_window, keeps_unknown_and_missing_choices, ends_after_its_seconds]

if __name__ == "__main__":
    check, plugin_path, piece_path = sys.argv[1:]
    {check.__name__: check for check in CHECKS}[check](plugin_path, piece_path)
