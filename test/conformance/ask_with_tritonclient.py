"""Asks a model server with NVIDIA Triton's own client, unchanged. Usage: ask_with_tritonclient.py HTTP_PORT GRPC_PORT"""

import sys

import numpy as np
import tritonclient.grpc as grpc
import tritonclient.http as http
from tritonclient.utils import InferenceServerException

http_port, grpc_port = sys.argv[1:]
x = np.array([[2, 3], [0.5, 0.25]], dtype=np.float32)

for protocol, port in ((http, http_port), (grpc, grpc_port), (grpc, http_port)):
    client = protocol.InferenceServerClient(f"127.0.0.1:{port}")
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("add")
    metadata = client.get_model_metadata("add")
    tensor = protocol.InferInput("x", x.shape, "FP32")
    tensor.set_data_from_numpy(x)
    wanted = [protocol.InferRequestedOutput("sum")]
    answer = client.infer("add", [tensor], outputs=wanted, request_id="r-1")
    assert np.array_equal(answer.as_numpy("sum"), [[5], [0.75]]), answer.as_numpy("sum")

    words = np.array(["ä", "", "late"], dtype=object)
    text = protocol.InferInput("x", words.shape, "BYTES")
    text.set_data_from_numpy(words)
    assert [word.decode() for word in client.infer("text", [text]).as_numpy("y")] == list(words)

    try:
        client.infer("nope", [tensor])
        raise AssertionError("an unknown model answered")
    except InferenceServerException as error:
        assert "there is no model" in error.message(), error.message()

json = http.InferenceServerClient(f"127.0.0.1:{http_port}")
tensor = http.InferInput("x", x.shape, "FP32")
tensor.set_data_from_numpy(x, binary_data=False)
answer = json.infer("add", [tensor], outputs=[http.InferRequestedOutput("sum", binary_data=False)])
assert np.array_equal(answer.as_numpy("sum"), [[5], [0.75]])
print("every answer is right")
