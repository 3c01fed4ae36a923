"""A runtime of MLServer for the folder of `mertscope models export`: its graph by the wheel `onnxruntime`."""

import numpy as np
import onnxruntime
from mlserver import MLModel
from mlserver.types import (
    InferenceRequest,
    InferenceResponse,
    MetadataModelResponse,
    MetadataTensor,
    Parameters,
    ResponseOutput,
)


class Graph(MLModel):
    """The graph of a folder, with the parameters of its configuration as the model's metadata."""

    async def load(self) -> bool:
        """Loads the graph."""
        options = onnxruntime.SessionOptions()
        options.enable_mem_pattern = False
        parameters = self.settings.parameters
        options.intra_op_num_threads = int(parameters.extra["parameters"].get("intra_op_thread_count", 0))
        self.session = onnxruntime.InferenceSession(parameters.uri, options, ["CPUExecutionProvider"])
        return True

    async def metadata(self) -> MetadataModelResponse:
        """The tensors and the parameters of the configuration."""

        def tensors(all_of_them):
            return [MetadataTensor(datatype="FP32", **it) for it in all_of_them]

        extra = self.settings.parameters.extra
        return MetadataModelResponse(
            name=self.name,
            platform="mertscope",
            inputs=tensors(extra["inputs"]),
            outputs=tensors(extra["outputs"]),
            parameters=Parameters(**extra["parameters"]),
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
