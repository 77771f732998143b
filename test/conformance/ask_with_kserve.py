"""Asks a model server with KServe's own clients, unchanged. Usage: ask_with_kserve.py HTTP_PORT GRPC_PORT ADMIN_PORT"""

import asyncio
import logging
import sys

import grpc
import httpx
import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.grpc import grpc_predict_v2_pb2 as messages
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub
from kserve.protocol.infer_type import RequestedOutput

http_port, grpc_port, admin_port = sys.argv[1:]
base = f"http://127.0.0.1:{http_port}"
# It logs each failure with its stack; here they are wanted.
logging.getLogger("kserve.trace").setLevel(logging.CRITICAL)

NO_MODEL = 'there is no model "nope"'
WRONG_SHAPE = "must have the shape [-1, 2] (-1: any), not [1, 3]"
row = np.array([[2, 3]], dtype=np.float32)

# One of each datatype that the client knows, with its extremes: a model with its name in small letters answers what it gets.
VALUES = {
    "BOOL": np.array([True, False]),
    "INT8": np.array([-128, 127], dtype=np.int8),
    "INT16": np.array([-(2**15), 2**15 - 1], dtype=np.int16),
    "INT32": np.array([-(2**31), 2**31 - 1], dtype=np.int32),
    "INT64": np.array([-(2**63), 2**63 - 1], dtype=np.int64),
    "UINT8": np.array([0, 255], dtype=np.uint8),
    "UINT16": np.array([0, 2**16 - 1], dtype=np.uint16),
    "UINT32": np.array([0, 2**32 - 1], dtype=np.uint32),
    "UINT64": np.array([0, 2**64 - 1], dtype=np.uint64),
    "FP16": np.array([0.1, -65504], dtype=np.float16),
    "FP32": np.array([0.1, 3.4028235e38], dtype=np.float32),
    "FP64": np.array([0.1, 1.7976931348623157e308], dtype=np.float64),
    "BYTES": np.array(["ä", "", "late"], dtype=object),
}
# JSON holds whole numbers up to 2^53 for those who read it as JavaScript does, and it has no halves in this client.
JSON_VALUES = VALUES | {"INT64": np.array([-(2**53) + 1, 2**53 - 1]), "UINT64": np.array([0, 2**53 - 1], dtype=np.uint64)}
del JSON_VALUES["FP16"]


def column(values):
    return values.reshape(-1, 1)


def request(model, values, name="x", datatype="FP32", binary=True, outputs=None):
    tensor = InferInput(name, list(values.shape), datatype)
    tensor.set_data_from_numpy(values, binary_data=binary)
    parameters = {"binary_data_output": binary}
    return InferRequest(model, [tensor], request_id="r-1", parameters=parameters, request_outputs=outputs)


def same(answer, values, datatype):
    tensor = answer.outputs[0]
    assert tensor.datatype == datatype and answer.id == "r-1", (tensor.datatype, answer.id)
    seen = tensor.as_numpy().reshape(-1)
    texts = [text.decode() if isinstance(text, bytes) else text for text in seen] if datatype == "BYTES" else None
    assert texts == list(values) if texts is not None else np.array_equal(seen, values), (datatype, seen)


async def refused(asking, kind):
    try:
        await asking
    except kind as error:
        return error
    raise AssertionError("what is wrong was answered")


async def ask_v1():
    async with InferenceRESTClient(RESTConfig(protocol="v1")) as client:
        assert await client.is_server_live(base)
        assert await client.is_model_ready(base, "add")
        answer = await client.infer(base, {"instances": [[2, 3], [0.5, 0.25]]}, model_name="add")
        assert answer == {"predictions": [[5], [0.75]]}, answer
        error = await refused(client.infer(base, {"instances": [[1, 2]]}, model_name="nope"), httpx.HTTPStatusError)
        assert str(error).startswith(f"{NO_MODEL}, '404 Not Found' for url"), error
        error = await refused(client.infer(base, {"instances": [[1, 2, 3]]}, model_name="add"), httpx.HTTPStatusError)
        assert str(error).startswith(f"input \"x\" {WRONG_SHAPE}, '400 Bad Request' for url"), error


async def ask_v2():
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
        assert await client.is_server_live(base) and await client.is_server_ready(base)
        assert await client.is_model_ready(base, "add") and not await client.is_model_ready(base, "nope")
        for binary, table in ((True, VALUES), (False, JSON_VALUES)):
            for datatype, values in table.items():
                model = datatype.lower()
                asked = request(model, column(values), datatype=datatype, binary=binary)
                same(await client.infer(base, asked, model_name=model), values, datatype)
        wanted = [RequestedOutput("sum", parameters={"binary_data": True})]
        headers = {}
        answer = await client.infer(
            base, request("add", row, binary=False, outputs=wanted), model_name="add", response_headers=headers
        )
        assert np.array_equal(answer.outputs[0].as_numpy(), [[5]]) and "x-request-id" in headers
        error = await refused(client.infer(base, request("nope", row), model_name="nope"), httpx.HTTPStatusError)
        assert str(error).startswith(f"{NO_MODEL}, '404 Not Found' for url"), error
        wrong = request("add", np.zeros((1, 3), dtype=np.float32))
        error = await refused(client.infer(base, wrong, model_name="add"), httpx.HTTPStatusError)
        assert str(error).startswith(f"input \"x\" {WRONG_SHAPE}, '400 Bad Request' for url"), error


async def ask_grpc(port):
    async with InferenceGRPCClient(f"127.0.0.1:{port}") as client:
        assert await client.is_server_live() and await client.is_server_ready() and await client.is_model_ready("add")
        for binary in (True, False):
            for datatype, values in VALUES.items():
                if datatype == "FP16" and not binary:
                    continue
                asked = request(datatype.lower(), column(values), datatype=datatype, binary=binary)
                same(await client.infer(asked), values, datatype)
        error = await refused(client.infer(request("nope", row)), grpc.RpcError)
        assert (error.code(), error.details()) == (grpc.StatusCode.NOT_FOUND, NO_MODEL), error
        error = await refused(client.is_model_ready("nope"), grpc.RpcError)
        assert error.code() == grpc.StatusCode.NOT_FOUND, error
        error = await refused(client.infer(request("add", np.zeros((1, 3), dtype=np.float32))), grpc.RpcError)
        assert (error.code(), error.details()) == (grpc.StatusCode.INVALID_ARGUMENT, f'input "x" {WRONG_SHAPE}'), error


async def ask_by_stub():
    """What the protocol of KServe has and its client has not."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{grpc_port}") as channel:
        stub = GRPCInferenceServiceStub(channel)
        server = await stub.ServerMetadata(messages.ServerMetadataRequest())
        assert server.name == "slipway-serving-runtime", server
        model = await stub.ModelMetadata(messages.ModelMetadataRequest(name="add"))
        assert [(tensor.name, tensor.datatype, list(tensor.shape)) for tensor in model.inputs] == [("x", "FP32", [-1, 2])]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{admin_port}") as channel:
        stub = GRPCInferenceServiceStub(channel)
        gone = await stub.RepositoryModelUnload(messages.RepositoryModelUnloadRequest(model_name="half"))
        assert (gone.model_name, gone.isUnloaded) == ("half", True), gone
        error = await refused(stub.ModelReady(messages.ModelReadyRequest(name="half")), grpc.RpcError)
        assert error.code() == grpc.StatusCode.NOT_FOUND, error
        back = await stub.RepositoryModelLoad(messages.RepositoryModelLoadRequest(model_name="half"))
        assert (back.model_name, back.isLoaded) == ("half", True), back
        assert (await stub.ModelReady(messages.ModelReadyRequest(name="half"))).ready


async def ask():
    await ask_v1()
    await ask_v2()
    await ask_grpc(grpc_port)
    await ask_grpc(http_port)
    await ask_by_stub()


asyncio.run(ask())
print("every answer is right")
