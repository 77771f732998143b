"""pip install tritonclient[http,grpc]; python ask.py [host:port], such as fare.default.localhost:8080 for a forwarded port"""

import sys

import numpy as np
import tritonclient.grpc as grpc
import tritonclient.http as http

address = sys.argv[1] if len(sys.argv) > 1 else "fare.default.svc:80"
trips = np.array([[3.1, 12], [0.8, 6]], dtype=np.float32)  # miles, minutes

for name, protocol in {"REST": http, "gRPC": grpc}.items():  # one port speaks both
    tensor = protocol.InferInput("trip", trips.shape, "FP32")
    tensor.set_data_from_numpy(trips)
    answer = protocol.InferenceServerClient(address).infer("fare", [tensor])
    print(name, answer.as_numpy("fare").ravel())  # [12.625, 6.5]
