"""A model for MLServer, as its documentation shows for custom runtimes; `parameters.uri` of its settings is the file."""

import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class OnnxModel(MLModel):
    async def load(self) -> bool:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        path = self.settings.parameters.uri
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        values = NumpyCodec.decode_input(payload.inputs[0])
        (result,) = self.session.run(None, {payload.inputs[0].name: values})
        output = NumpyCodec.encode_output("y", result)
        return InferenceResponse(id=payload.id, model_name=self.name, outputs=[output])
