"""A model behind KServe's Python server, as its documentation shows for custom predictors.

Arguments: name of the model, its file, HTTP port, gRPC port.
"""

import sys

import onnxruntime
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer
from kserve.utils.utils import generate_uuid


class OnnxModel(Model):
    def __init__(self, name: str, path: str):
        super().__init__(name)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.ready = True

    def predict(self, payload: InferRequest, headers=None, response_headers=None) -> InferResponse:
        values = payload.inputs[0].as_numpy()
        (result,) = self.session.run(None, {payload.inputs[0].name: values})
        output = InferOutput(name="y", shape=list(result.shape), datatype="FP32")
        output.set_data_from_numpy(result, binary_data=payload.from_grpc)
        return InferResponse(response_id=payload.id or generate_uuid(), model_name=self.name, infer_outputs=[output])


if __name__ == "__main__":
    name, path, http_port, grpc_port = sys.argv[1:]
    server = ModelServer(http_port=int(http_port), grpc_port=int(grpc_port), workers=1, enable_latency_logging=False)
    server.start([OnnxModel(name, path)])
