"""Runs Mertscope's graph in NVIDIA Triton's python backend with the wheel `onnxruntime` (or `onnxruntime-gpu`)."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import triton_python_backend_utils as triton


class TritonPythonModel:
    """The model of this folder: `model.onnx` beside this file."""

    def initialize(self, args):
        """Loads the graph."""
        config = json.loads(args["model_config"])
        self.input = config["input"][0]["name"]
        self.outputs = [output["name"] for output in config["output"]]
        self.type = triton.triton_string_to_numpy(config["input"][0]["data_type"])
        self.joins = config["max_batch_size"] > 0
        options = onnxruntime.SessionOptions()
        options.enable_mem_pattern = False
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # As Triton's backend for ONNX Runtime calls it; without it all cores.
        threads = config["parameters"].get("intra_op_thread_count", {"string_value": "0"})
        options.intra_op_num_threads = int(threads["string_value"])
        graph = Path(__file__).with_name("model.onnx")
        available = onnxruntime.get_available_providers()
        providers = ["CUDAExecutionProvider", "CPUExecutionProvider"]
        providers = [name for name in providers if name in available]
        self.session = onnxruntime.InferenceSession(str(graph), options, providers)

    def execute(self, requests):
        """Answers requests; those of equal length run at once where the graph takes several windows."""
        windows = [triton.get_input_tensor_by_name(request, self.input).as_numpy() for request in requests]
        groups = {}
        for place, window in enumerate(windows):
            groups.setdefault(window.shape[-1] if self.joins else place, []).append(place)
        answers = [None] * len(requests)
        for places in groups.values():
            try:
                self.run(requests, windows, places, answers)
            except Exception as error:  # Triton passes it on to the clients.
                failed = triton.InferenceResponse(error=triton.TritonError(str(error)))
                for place in places:
                    answers[place] = failed
        return answers

    def run(self, requests, windows, places, answers):
        """Runs the windows of the requests at `places` at once, and leaves their answers."""
        wanted = {name for place in places for name in requests[place].requested_output_names()}
        names = [name for name in self.outputs if name in wanted]
        audio = np.concatenate([windows[place] for place in places]).astype(np.float32, copy=False)
        found = dict(zip(names, self.session.run(names, {self.input: audio})))
        start = 0
        for place in places:
            end = start + len(windows[place])
            asked = requests[place].requested_output_names()
            tensors = []
            for name in (name for name in names if name in asked):
                # Without batches the first size is not that of windows.
                part = found[name][start:end] if self.joins else found[name]
                tensors.append(triton.Tensor(name, part.astype(self.type, copy=False)))
            answers[place] = triton.InferenceResponse(output_tensors=tensors)
            start = end
