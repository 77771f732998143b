"""A server of the Open Inference Protocol v2 around one function, with nothing but Python's own library."""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Refused(Exception):
    """The client is wrong, and is told so in these words."""


def serve(inputs, outputs, infer):
    """`infer` gets a request's tensors by their names, and its parameters; it returns the tensors of the answer."""
    model = f"/v2/models/{os.environ['SLIPWAY_MODEL_NAME']}"

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # so that connections stay open
        disable_nagle_algorithm = True  # else an answer waits 40 ms for what the other side has to say

        def do_GET(self):
            if self.path == "/v2/health/ready":
                self.answer(200, {"ready": True})
            elif self.path == model:
                self.answer(200, {"name": model, "inputs": inputs, "outputs": outputs})
            else:
                self.answer(404, {"error": f"nothing is at {self.path}"})

        def do_POST(self):
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            tensors = {tensor["name"]: tensor for tensor in request["inputs"]}
            try:
                result = infer(tensors, request.get("parameters", {}))
                self.answer(200, {"model_name": model, "id": request.get("id"), "outputs": result})
            except Refused as refused:
                self.answer(400, {"error": str(refused)})

        def answer(self, status, body):
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_request(self, *_):
            pass

    server = ThreadingHTTPServer(("", int(os.environ["SLIPWAY_HTTP_PORT"])), Handler)
    # The first process of a container has to say itself that it ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"listening on port {server.server_address[1]}", flush=True)
    server.serve_forever()
