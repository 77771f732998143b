"""Reads rides as people write them, "3.1 miles in 12 minutes", into the numbers that the model takes."""

import re

from step import Refused, serve

RIDE = re.compile(r"([\d.]+) miles in ([\d.]+) minutes")


def infer(tensors, parameters):
    trips = []
    for ride in tensors["ride"]["data"]:
        match = RIDE.fullmatch(ride)
        if match is None:
            raise Refused(f'"{ride}" is no ride; write it as "3.1 miles in 12 minutes"')
        trips += [float(match[1]), float(match[2])]
    return [{"name": "trip", "datatype": "FP32", "shape": [len(trips) // 2, 2], "data": trips}]


serve(
    inputs=[{"name": "ride", "datatype": "BYTES", "shape": [-1]}],
    outputs=[{"name": "trip", "datatype": "FP32", "shape": [-1, 2]}],
    infer=infer,
)
