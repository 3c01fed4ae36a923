"""The standalone app of the bundles. Usage: standalone_host.py CHECK PLUGIN PIECE

The app lies in the folder Mertscope beside the plugin. Its dummy backend needs no sound card and hears silence.
"""

import pathlib
import subprocess
import sys

from display import Screen, becomes_true


def opens_its_window(path, _piece):
    """The app draws its window, goes on, and ends when it is told to."""
    app = pathlib.Path(path).parent / "Mertscope" / "mertscope-standalone"
    screen = Screen()
    running = subprocess.Popen([app, "--backend", "dummy"])
    try:
        assert becomes_true(screen.has_window), "nothing was drawn"
        assert running.poll() is None, f"it ended by itself with {running.poll()}"
    finally:
        running.terminate()
        running.wait(30)
    assert becomes_true(screen.is_empty), "the window stayed on the screen"


CHECKS = [opens_its_window]

if __name__ == "__main__":
    check, plugin_path, piece_path = sys.argv[1:]
    {check.__name__: check for check in CHECKS}[check](plugin_path, piece_path)
