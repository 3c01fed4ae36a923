"""A real inference server, NVIDIA Triton, with the model that `mertscope models export` wrote."""

import atexit
import contextlib
import json
import os
import pathlib
import socket
import subprocess
import urllib.request

from display import becomes_true


class Server:
    """The server, started, at `url`. It ends with this process at the latest."""

    def __init__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._models = pathlib.Path(os.environ["MERTSCOPE_SERVED"])
        self._model = next(self._models.iterdir()).name
        self.start()
        atexit.register(self.end)

    def start(self):
        """Starts it, and waits until it serves the model."""
        script = pathlib.Path(__file__).parents[1] / "servers/serve.py"
        python = os.environ["MERTSCOPE_SERVERS_PYTHON"]
        # Its workers outlive it for a moment, and would hold this process's output open.
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen([python, script, "triton", self._models, str(self._port)], **quiet)
        assert becomes_true(self._is_ready, limit_s=300.0), "the server does not start"

    def end(self):
        """Kills it."""
        self._process.kill()
        self._process.wait()

    def answered(self):
        """The number of windows that it has run, by its own account."""
        return self._asked(f"models/{self._model}/stats")["model_stats"][0]["inference_count"]

    def _is_ready(self):
        assert self._process.poll() is None, "the server ended"
        with contextlib.suppress(OSError):
            return self._asked(f"models/{self._model}")["name"] == self._model
        return False

    def _asked(self, path):
        with urllib.request.urlopen(f"{self.url}/v2/{path}", timeout=10) as answer:
            return json.load(answer)
