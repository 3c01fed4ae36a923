"""The ONNX graph, the model's folder, and the way back from it to the networks."""
