"""Asks a model server with what MLServer's clients use, unchanged. Usage: ask_with_mlserver.py HTTP_PORT GRPC_PORT ADMIN_PORT

MLServer has no client class: its users build requests with its types and codecs, and send them by any HTTP client or by its stubs
of gRPC; for files of requests it has the command `mlserver infer`.
"""

import json
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

import grpc
import numpy as np
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.grpc import converters
from mlserver.grpc import dataplane_pb2 as messages
from mlserver.grpc.dataplane_pb2_grpc import GRPCInferenceServiceStub
from mlserver.types import InferenceRequest, InferenceResponse, MetadataModelResponse, RequestOutput

http_port, grpc_port, admin_port = sys.argv[1:]
base = f"http://127.0.0.1:{http_port}"

NO_MODEL = 'there is no model "nope"'
WRONG_SHAPE = 'input "x" must have the shape [-1, 2] (-1: any), not [1, 3]'

# One of each datatype, with its extremes, as columns, which is what the codec makes of lists.
VALUES = {
    "BOOL": np.array([[True], [False]]),
    "INT8": np.array([[-128], [127]], dtype=np.int8),
    "INT16": np.array([[-(2**15)], [2**15 - 1]], dtype=np.int16),
    "INT32": np.array([[-(2**31)], [2**31 - 1]], dtype=np.int32),
    "INT64": np.array([[-(2**63)], [2**63 - 1]], dtype=np.int64),
    "UINT8": np.array([[0], [255]], dtype=np.uint8),
    "UINT16": np.array([[0], [2**16 - 1]], dtype=np.uint16),
    "UINT32": np.array([[0], [2**32 - 1]], dtype=np.uint32),
    "UINT64": np.array([[0], [2**64 - 1]], dtype=np.uint64),
    "FP16": np.array([[0.1], [-65504]], dtype=np.float16),
    "FP32": np.array([[0.1], [3.4028235e38]], dtype=np.float32),
    "FP64": np.array([[0.1], [1.7976931348623157e308]], dtype=np.float64),
}
# JSON holds whole numbers up to 2^53 for those who read it as JavaScript does.
JSON_VALUES = VALUES | {"INT64": np.array([[-(2**53) + 1]]), "UINT64": np.array([[2**53 - 1]], dtype=np.uint64)}
WORDS = ["ä", "", "late"]


def numbers(values):
    return InferenceRequest(id="r-1", inputs=[NumpyCodec.encode_input("x", values)])


def words():
    return InferenceRequest(id="r-1", inputs=[StringCodec.encode_input("x", WORDS)])


def post(model, request):
    body = request.model_dump_json(exclude_none=True).encode()
    headers = {"content-type": "application/json"}
    asked = urllib.request.Request(f"{base}/v2/models/{model}/infer", data=body, headers=headers)
    with urllib.request.urlopen(asked) as answer:
        return InferenceResponse.model_validate_json(answer.read())


def same(answer, values, datatype):
    assert answer.id == "r-1" and answer.outputs[0].datatype == datatype, answer
    seen = NumpyCodec.decode_output(answer.outputs[0])
    assert seen.dtype == values.dtype and np.array_equal(seen, values), (datatype, seen)


def refused(ask, kind):
    try:
        ask()
    except kind as error:
        return error
    raise AssertionError("what is wrong was answered")


def ask_rest():
    with urllib.request.urlopen(f"{base}/v2/models/add") as answer:
        metadata = MetadataModelResponse.model_validate_json(answer.read())
    assert [tensor.name for tensor in metadata.inputs] == ["x"], metadata
    for datatype, values in JSON_VALUES.items():
        same(post(datatype.lower(), numbers(values)), values, datatype)
    assert StringCodec.decode_output(post("bytes", words()).outputs[0]) == WORDS
    row = numbers(np.array([[2, 3]], dtype=np.float32))
    row.outputs = [RequestOutput(name="sum")]
    assert NumpyCodec.decode_output(post("add", row).outputs[0]).tolist() == [[5]]
    for model, values, status, message in (
        ("nope", [[2, 3]], 404, NO_MODEL),
        ("add", [[1, 2, 3]], 400, WRONG_SHAPE),
    ):
        error = refused(lambda: post(model, numbers(np.array(values, dtype=np.float32))), HTTPError)
        assert (error.code, json.load(error)["error"]) == (status, message)


def ask_grpc(port):
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = GRPCInferenceServiceStub(channel)
        metadata = stub.ModelMetadata(messages.ModelMetadataRequest(name="add"))
        assert converters.ModelMetadataResponseConverter.to_types(metadata).inputs[0].shape == [-1, 2]
        assert stub.ServerReady(messages.ServerReadyRequest()).ready
        server = converters.ServerMetadataResponseConverter.to_types(stub.ServerMetadata(messages.ServerMetadataRequest()))
        assert server.name == "slipway-serving-runtime", server

        def ask(model, request, raw):
            sent = converters.ModelInferRequestConverter.from_types(request, model_name=model, use_raw=raw)
            return converters.ModelInferResponseConverter.to_types(stub.ModelInfer(sent))

        for raw in (True, False):
            for datatype, values in VALUES.items():
                # Outside of raw contents it has no way to send a half.
                if datatype != "FP16" or raw:
                    same(ask(datatype.lower(), numbers(values), raw), values, datatype)
            assert StringCodec.decode_output(ask("bytes", words(), raw).outputs[0]) == WORDS
        for model, values, status, message in (
            ("nope", [[2, 3]], grpc.StatusCode.NOT_FOUND, NO_MODEL),
            ("add", [[1, 2, 3]], grpc.StatusCode.INVALID_ARGUMENT, WRONG_SHAPE),
        ):
            error = refused(lambda: ask(model, numbers(np.array(values, dtype=np.float32)), True), grpc.RpcError)
            assert (error.code(), error.details()) == (status, message), error


def ask_streams():
    """Answers of MLServer's streams are those of single requests, which has to be asked for: Triton's are others."""
    dialect = (("stream-dialect", "mlserver"),)
    with grpc.insecure_channel(f"127.0.0.1:{grpc_port}") as channel:
        stub = GRPCInferenceServiceStub(channel)

        def row(number, model="add"):
            request = numbers(np.array([[number, 1]], dtype=np.float32))
            return converters.ModelInferRequestConverter.from_types(request, model_name=model, use_raw=True)

        answers = stub.ModelStreamInfer((row(number) for number in range(100)), metadata=dialect)
        sums = [
            NumpyCodec.decode_output(converters.ModelInferResponseConverter.to_types(answer).outputs[0]).tolist()
            for answer in answers
        ]
        assert sums == [[[number + 1]] for number in range(100)], sums
        wrong = stub.ModelStreamInfer(iter([row(1), row(1, "nope")]), metadata=dialect)
        assert next(wrong).model_name == "add"
        error = refused(lambda: next(wrong), grpc.RpcError)
        assert (error.code(), error.details()) == (grpc.StatusCode.NOT_FOUND, NO_MODEL), error


def ask_admin():
    with grpc.insecure_channel(f"127.0.0.1:{admin_port}") as channel:
        stub = GRPCInferenceServiceStub(channel)

        def state():
            index = stub.RepositoryIndex(messages.RepositoryIndexRequest())
            return {model.name: model.state for model in index.models}["fp16"]

        stub.RepositoryModelUnload(messages.RepositoryModelUnloadRequest(model_name="fp16"))
        assert state() == "UNAVAILABLE"
        stub.RepositoryModelLoad(messages.RepositoryModelLoadRequest(model_name="fp16"))
        assert state() == "READY"


def ask_command():
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder, "requests.json"), Path(folder, "answers.json")
        rows = [numbers(np.array([[number, 1]], dtype=np.float32)) for number in range(20)]
        for number, row in enumerate(rows):
            row.id = f"r-{number}"
        asked.write_text("\n".join(row.model_dump_json(exclude_none=True) for row in rows))
        program = str(Path(sys.executable).with_name("mlserver"))
        for batch in ("1", "4"):
            command = ["infer", "-u", f"127.0.0.1:{http_port}", "-m", "add", "-i", asked, "-o", answered, "-s", batch]
            subprocess.run([program, *command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            answers = [InferenceResponse.model_validate_json(line) for line in answered.read_text().splitlines()]
            assert sorted(answer.outputs[0].data.root[0] for answer in answers) == list(range(1, 21)), answers


ask_rest()
ask_grpc(grpc_port)
ask_grpc(http_port)
ask_streams()
ask_admin()
ask_command()
print("every answer is right")
