"""A virtual screen for plugin editors. Usage: display.py COMMAND...

Runs the command with an X server of its own and ends with the command's exit code.
Hosts made with JUCE crash on a bare X server: they ask for the owner of the desktop's settings and
don't expect that there is none. So `xsettingsd` owns them, and `openbox` gives keyboard focus.
The server ends after the command: it would take the command with it.
"""

import contextlib
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import time
import zlib

import numpy as np

WIDTH, HEIGHT = 1280, 800
TITLE_BAR_PIXELS = 40
FRAME_BUFFER = "MERTSCOPE_FRAME_BUFFER"
PICTURES = "MERTSCOPE_PICTURES"

# The main parts of the plugin's window: left, top, right, bottom, in fractions of its size.
PARTS = {
    "the circle of fifths": (0.1, 0.15, 0.35, 0.5),
    "the genres": (0.5, 0.15, 0.9, 0.5),
    "the timeline": (0.1, 0.7, 0.975, 0.85),
}
# Results are drawn in color, the rest in shades of gray.
COLORFUL = 70
COLORFUL_PIXELS = 50


class Screen:
    """The drawn pixels, which the command reads from the server's frame buffer."""

    def __init__(self):
        self._file = pathlib.Path(os.environ[FRAME_BUFFER])

    def pixels(self):
        """uint32 [height, width]; the file is an XWD dump that the server maps into memory."""
        data = self._file.read_bytes()
        header = np.frombuffer(data, ">u4", count=25)
        header_bytes, stride_bytes, colors = int(header[0]), int(header[12]), int(header[19])
        start = header_bytes + colors * 12
        rows = np.frombuffer(data, np.uint8, count=stride_bytes * HEIGHT, offset=start)
        return rows.reshape(HEIGHT, stride_bytes).view(np.uint32)[:, :WIDTH]

    def is_empty(self):
        """Whether every pixel is the background."""
        pixels = self.pixels()
        return bool((pixels == pixels[-1, -1]).all())

    def has_window(self):
        """Whether smooth text or shades are drawn below a window's title bar."""
        pixels = self.pixels()
        rows, columns = np.nonzero(pixels != pixels[-1, -1])
        if len(rows) == 0:
            return False
        top, left = rows.min() + TITLE_BAR_PIXELS, columns.min()
        content = pixels[top : rows.max() + 1, left : columns.max() + 1]
        return len(np.unique(content)) > 16

    def empty_parts(self):
        """The main parts without results of the window, which has a title bar."""
        pixels = self.pixels()
        rows, columns = np.nonzero(pixels != pixels[-1, -1])
        if len(rows) == 0:
            return list(PARTS)
        window = pixels[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        height, width = window.shape

        def is_empty(part):
            left, top, right, bottom = part
            rows = slice(int(top * height), int(bottom * height))
            columns = slice(int(left * width), int(right * width))
            channels = [window[rows, columns] >> shift & 0xFF for shift in (16, 8, 0)]
            spread = np.max(channels, axis=0) - np.min(channels, axis=0)
            return np.count_nonzero(spread > COLORFUL) < COLORFUL_PIXELS

        return [name for name, part in PARTS.items() if is_empty(part)]

    def keep(self, name):
        """Writes the screen as a PNG file into the folder of pictures."""
        pixels = self.pixels()
        channels = [pixels >> shift & 0xFF for shift in (16, 8, 0)]
        rows = np.stack(channels, axis=-1).astype(np.uint8).reshape(HEIGHT, WIDTH * 3)
        lines = np.hstack([np.zeros((HEIGHT, 1), np.uint8), rows]).tobytes()

        def chunk(kind, data):
            check = zlib.crc32(kind + data)
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

        head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
        parts = [(b"IHDR", head), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b"")]
        folder = pathlib.Path(os.environ[PICTURES])
        folder.mkdir(parents=True, exist_ok=True)
        png = b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)
        (folder / f"{name}.png").write_bytes(png)


def becomes_true(condition, limit_s=30.0):
    """Whether the condition holds before the limit."""
    deadline = time.monotonic() + limit_s
    while not (held := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return held


def run(command):
    """The exit code of the command, run in a screen of its own."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as attendants:

        def start(*words, **options):
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            attendant = subprocess.Popen(words, **quiet, **options)
            attendants.callback(attendant.wait)
            attendants.callback(attendant.terminate)

        number, number_for_server = os.pipe()
        # fmt: off
        start("Xvfb", "-displayfd", str(number_for_server), "-screen", "0", f"{WIDTH}x{HEIGHT}x24",
              "-fbdir", folder, "-nocursor", "-nolisten", "tcp", "-noreset",
              pass_fds=[number_for_server])
        # fmt: on
        os.close(number_for_server)
        # The server chooses a free number and prints it when it is ready.
        with os.fdopen(number) as ready:
            os.environ["DISPLAY"] = f":{ready.readline().strip()}"
        os.environ[FRAME_BUFFER] = str(pathlib.Path(folder) / "Xvfb_screen0")

        settings = pathlib.Path(folder) / "xsettings"
        settings.write_text("Xft/DPI 98304\n")
        start("xsettingsd", "-c", str(settings))
        start("openbox", "--sm-disable")
        time.sleep(1.0)  # neither reports when it is ready
        return subprocess.run(command).returncode


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
