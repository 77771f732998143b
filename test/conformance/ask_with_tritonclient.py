"""Asks a model server with NVIDIA Triton's own client, unchanged. Usage: ask_with_tritonclient.py HTTP_PORT GRPC_PORT ADMIN_PORT"""

import asyncio
import queue
import sys

import numpy as np
import tritonclient.grpc as grpc
import tritonclient.grpc.aio as grpc_aio
import tritonclient.http as http
import tritonclient.http.aio as http_aio
from tritonclient.utils import InferenceServerException

http_port, grpc_port, admin_port = sys.argv[1:]
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

    halves = np.array([0.1, -2], dtype=np.float16)
    half = protocol.InferInput("x", halves.shape, "FP16")
    half.set_data_from_numpy(halves)
    assert np.array_equal(client.infer("half", [half]).as_numpy("y"), halves)

    assert client.infer("add", [tensor], timeout=5_000_000).as_numpy("sum").shape == (2, 1)
    config = client.get_model_config("add")
    assert (config["name"] if protocol is http else config.config.name) == "add"
    statistics = client.get_inference_statistics("add")
    assert len(statistics["model_stats"] if protocol is http else statistics.model_stats) == 1

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
for algorithm in ("gzip", "deflate"):
    answer = json.infer("add", [tensor], request_compression_algorithm=algorithm)
    assert np.array_equal(answer.as_numpy("sum"), [[5], [0.75]])

for protocol in (http, grpc):
    admin = protocol.InferenceServerClient(f"127.0.0.1:{admin_port}")
    admin.unload_model("half")
    index = admin.get_model_repository_index()
    states = {model["name"]: model["state"] for model in index} if protocol is http else {model.name: model.state for model in index.models}
    assert states["half"] == "UNAVAILABLE" and states["add"] == "READY", states
    admin.load_model("half")

answers = queue.Queue()
stream = grpc.InferenceServerClient(f"127.0.0.1:{grpc_port}")
stream.start_stream(callback=lambda result, error: answers.put(error or result))
tensor = grpc.InferInput("x", x.shape, "FP32")
tensor.set_data_from_numpy(x)
for _ in range(10):
    stream.async_stream_infer("add", [tensor])
for _ in range(10):
    assert np.array_equal(answers.get(timeout=10).as_numpy("sum"), [[5], [0.75]])
stream.async_stream_infer("nope", [tensor])
assert "there is no model" in answers.get(timeout=10).message()
stream.stop_stream()



async def ask_async():
    for protocol, port in ((http_aio, http_port), (grpc_aio, grpc_port), (grpc_aio, http_port)):
        async with protocol.InferenceServerClient(f"127.0.0.1:{port}") as client:
            assert await client.is_server_live() and await client.is_server_ready() and await client.is_model_ready("add")
            tensor = protocol.InferInput("x", x.shape, "FP32")
            tensor.set_data_from_numpy(x)
            answers = await asyncio.gather(*(client.infer("add", [tensor]) for _ in range(20)))
            assert all(np.array_equal(answer.as_numpy("sum"), [[5], [0.75]]) for answer in answers)
            try:
                await client.infer("nope", [tensor])
                raise AssertionError("an unknown model answered")
            except InferenceServerException as error:
                assert "there is no model" in error.message(), error.message()
    async with grpc_aio.InferenceServerClient(f"127.0.0.1:{grpc_port}") as client:
        tensor = grpc_aio.InferInput("x", x.shape, "FP32")
        tensor.set_data_from_numpy(x)

        async def requests():
            for model in ("add", "nope", "add"):
                yield {"model_name": model, "inputs": [tensor]}

        sums = []
        async for result, error in client.stream_infer(requests()):
            sums.append(error.message() if result is None else result.as_numpy("sum").tolist())
        assert sums == [[[5], [0.75]], 'there is no model "nope"', [[5], [0.75]]], sums


asyncio.run(ask_async())
print("every answer is right")
