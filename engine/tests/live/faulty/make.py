"""Makes faulty.onnx: a model that fails, or never ends, when the audio tells it to.

Its one layer holds four constants. The peak of the window decides what happens:
below 1 it answers; from 1 to 4 it looks up a row that its table does not have, which ONNX Runtime refuses at run time;
from 4 it counts to 2^40 first, which ends only if someone ends it. Ours, CC0.
Run with: pip install onnx numpy; python3 make.py
"""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

scalar = lambda name, kind: helper.make_tensor_value_info(name, kind, [])
body = helper.make_graph(
    [
        helper.make_node("Identity", ["go"], ["go_on"]),
        helper.make_node("Add", ["count", "count_step"], ["counted"]),
    ],
    "count",
    [scalar("round", TensorProto.INT64), scalar("go", TensorProto.BOOL), scalar("count", TensorProto.INT64)],
    [scalar("go_on", TensorProto.BOOL), scalar("counted", TensorProto.INT64)],
    [numpy_helper.from_array(np.array(1, np.int64), "count_step")],
)
constants = {
    "table": np.array([[0.1, 0.2, 0.3, 0.4]], np.float32),
    "one": np.array(1, np.float32),
    "four": np.array(4, np.float32),
    "none": np.array(0, np.int64),
    "endless": np.array(2**40, np.int64),
    "always": np.array(True),
    "axis": np.array([0], np.int64),
}
nodes = [
    helper.make_node("ReduceMax", ["waveform"], ["peak"], keepdims=0),
    helper.make_node("GreaterOrEqual", ["peak", "four"], ["is_endless"]),
    helper.make_node("Where", ["is_endless", "endless", "none"], ["rounds"]),
    helper.make_node("Loop", ["rounds", "always", "none"], ["count_end"], body=body),
    helper.make_node("Less", ["count_end", "none"], ["never"]),  # the answer waits for the loop
    helper.make_node("GreaterOrEqual", ["peak", "one"], ["is_wrong"]),
    helper.make_node("Or", ["never", "is_wrong"], ["row_is_wrong"]),
    helper.make_node("Cast", ["row_is_wrong"], ["row"], to=TensorProto.INT64),
    helper.make_node("Unsqueeze", ["row", "axis"], ["rows"]),
    helper.make_node("Gather", ["table", "rows"], ["hidden"]),
]
graph = helper.make_graph(
    nodes, "faulty", [helper.make_tensor_value_info("waveform", TensorProto.FLOAT, [1, 8000])],
    [helper.make_tensor_value_info("hidden", TensorProto.FLOAT, [1, 4])],
    [numpy_helper.from_array(value, name) for name, value in constants.items()],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
onnx.checker.check_model(model)
onnx.save(model, "faulty.onnx")
