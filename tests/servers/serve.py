"""Serves the folder of `mertscope models export` with a real server, for `tests/tests/servers.rs`.

`triton REPOSITORY PORT` runs the `tritonserver` of the wheel `nvidia-pytriton`, which has the python backend only.
`mlserver REPOSITORY PORT` runs MLServer with the runtime of `runtime.py`. Both run until they are ended.
`check FOLDER` parses config.pbtxt with the message of `tritonclient` and runs the graph with it.
"""

import json
import os
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path

HERE = Path(__file__).parent


def triton(repository: str, port: str) -> None:
    """Replaces this process by tritonserver, with the stub for this Python."""
    import pytriton

    server = Path(pytriton.__file__).parent / "tritonserver"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    # Beside the backend's library, where it looks for it.
    backends = Path(tempfile.mkdtemp()) / "backends"
    shutil.copytree(server / "backends", backends)
    stub = server / "python_backend_stubs" / version / "triton_python_backend_stub"
    shutil.copy(stub, backends / "python")
    site = sysconfig.get_paths()["purelib"]
    environment = os.environ | {
        "LD_LIBRARY_PATH": f"{Path(site) / 'nvidia_pytriton.libs'}:{sysconfig.get_config_var('LIBDIR')}",
        # The stub takes the packages of the Python that it finds first.
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    program = str(server / "bin" / "tritonserver")
    arguments = [
        program,
        f"--model-repository={repository}",
        f"--backend-directory={backends}",
        f"--http-port={port}",
        "--http-address=127.0.0.1",
        "--allow-grpc=false",
        "--allow-metrics=false",
        "--exit-timeout-secs=1",
    ]
    os.execve(program, arguments, environment)


def mlserver(repository: str, port: str) -> None:
    """Replaces this process by MLServer."""
    folder = Path(tempfile.mkdtemp())
    shutil.copy(HERE / "runtime.py", folder)
    settings = {
        "host": "127.0.0.1",
        "http_port": int(port),
        # Ports that the system chooses; nothing uses them.
        "grpc_port": 0,
        "metrics_port": 0,
        "metrics_endpoint": None,
        "parallel_workers": 0,
        "debug": False,
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    for model in Path(repository).iterdir():
        (folder / model.name).mkdir()
        config = parsed(model)
        batch = [-1] if config.max_batch_size else []

        def tensors(all_of_them, batch=batch):
            return [{"name": it.name, "shape": [*batch, *it.dims]} for it in all_of_them]

        extra = {
            "inputs": tensors(config.input),
            "outputs": tensors(config.output),
            "parameters": {key: value.string_value for key, value in config.parameters.items()},
        }
        one = {
            "name": model.name,
            "implementation": "runtime.Graph",
            "parameters": {"uri": str(model / "1" / "model.onnx"), "extra": extra},
        }
        (folder / model.name / "model-settings.json").write_text(json.dumps(one))
    environment = os.environ | {"PYTHONPATH": str(folder)}
    program = str(Path(sys.executable).parent / "mlserver")
    os.execve(program, [program, "start", str(folder)], environment)


def parsed(folder: Path):
    """The configuration in a folder, parsed with the message of `tritonclient`; not in MLServer's own process, which has
    a message of the same name."""
    from google.protobuf import text_format
    from tritonclient.grpc.model_config_pb2 import ModelConfig

    return text_format.Parse((folder / "config.pbtxt").read_text(), ModelConfig())


def check(folder: str) -> None:
    """Prints the parsed configuration, and the shapes that the graph gives, as JSON."""
    import numpy as np
    import onnxruntime

    config = parsed(Path(folder))
    session = onnxruntime.InferenceSession(str(Path(folder) / "1/model.onnx"))
    count = max(config.max_batch_size, 1)
    dims = list(config.input[0].dims)
    shape = [count, *dims] if config.max_batch_size else dims
    shape = [size if size > 0 else 16_000 for size in shape]
    names = [output.name for output in config.output]
    found = session.run(names, {config.input[0].name: np.full(shape, 0.1, np.float32)})
    facts = {
        "backend": config.backend,
        "max_batch_size": config.max_batch_size,
        "batches": config.HasField("dynamic_batching"),
        "instances": [group.count for group in config.instance_group],
        "parameters": {key: value.string_value for key, value in config.parameters.items()},
        "dims": [list(output.dims) for output in config.output],
        "shapes": [list(output.shape) for output in found],
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    {"triton": triton, "mlserver": mlserver, "check": check}[sys.argv[1]](*sys.argv[2:])
