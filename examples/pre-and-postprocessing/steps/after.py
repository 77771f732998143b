"""Writes fares as people read them: "12.62 USD", or in the currency that the request asks for in its parameters."""

from step import Refused, serve

RATES = {"USD": 1.0, "EUR": 0.9}


def infer(tensors, parameters):
    currency = parameters.get("currency", "USD")
    if currency not in RATES:
        raise Refused(f"there are fares in {', '.join(RATES)}, and none in {currency}")
    prices = [f"{fare * RATES[currency]:.2f} {currency}" for fare in tensors["fare"]["data"]]
    return [{"name": "price", "datatype": "BYTES", "shape": [len(prices)], "data": prices}]


serve(
    inputs=[{"name": "fare", "datatype": "FP32", "shape": [-1, 1]}],
    outputs=[{"name": "price", "datatype": "BYTES", "shape": [-1]}],
    infer=infer,
)
