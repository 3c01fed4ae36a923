"""A runtime of MLServer for the folder of `mertscope models export`: its graph by the wheel `onnxruntime`."""

from pathlib import Path

import numpy as np
import onnxruntime
from google.protobuf import text_format
from mlserver import MLModel
from mlserver.types import (
    InferenceRequest,
    InferenceResponse,
    MetadataModelResponse,
    MetadataTensor,
    Parameters,
    ResponseOutput,
)
from tritonclient.grpc.model_config_pb2 import ModelConfig


class Graph(MLModel):
    """The graph of a folder, with the parameters of its configuration as the model's metadata."""

    async def load(self) -> bool:
        """Loads the graph."""
        folder = Path(self.settings.parameters.uri)
        text = (folder / "config.pbtxt").read_text()
        self.config = text_format.Parse(text, ModelConfig())
        options = onnxruntime.SessionOptions()
        options.enable_mem_pattern = False
        self.session = onnxruntime.InferenceSession(
            str(folder / "1/model.onnx"), options, ["CPUExecutionProvider"]
        )
        return True

    async def metadata(self) -> MetadataModelResponse:
        """The tensors and the parameters of the configuration."""

        def tensor(it):
            batch = [-1] if self.config.max_batch_size else []
            return MetadataTensor(name=it.name, datatype="FP32", shape=[*batch, *it.dims])

        pairs = self.config.parameters.items()
        return MetadataModelResponse(
            name=self.name,
            platform="mertscope",
            inputs=[tensor(it) for it in self.config.input],
            outputs=[tensor(it) for it in self.config.output],
            parameters=Parameters(**{key: value.string_value for key, value in pairs}),
        )

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Runs the graph on the windows of one request."""
        window = payload.inputs[0]
        audio = np.array(window.data.root, np.float64).astype(np.float32).reshape(window.shape)
        names = [output.name for output in payload.outputs]
        found = self.session.run(names, {window.name: audio})
        outputs = [
            ResponseOutput(
                name=name,
                shape=list(values.shape),
                datatype="FP32",
                data=values.astype(np.float64).ravel().tolist(),
            )
            for name, values in zip(names, found)
        ]
        return InferenceResponse(model_name=self.name, outputs=outputs)
