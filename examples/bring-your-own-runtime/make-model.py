"""Trains a small LightGBM model, and writes the manifests that carry it. `pip install lightgbm pyyaml`, then run it here."""

import hashlib
import random
from pathlib import Path

import lightgbm
import numpy as np

HERE = Path(__file__).parent
random.seed(1)
trips = np.array([[random.uniform(0.5, 12), random.uniform(2, 40)] for _ in range(400)])
fares = 3 + 1.75 * trips[:, 0] + 0.35 * trips[:, 1]
data = lightgbm.Dataset(trips, label=fares, feature_name=["miles", "minutes"])
options = {"objective": "regression", "num_leaves": 8, "min_data_in_leaf": 5, "learning_rate": 0.5, "verbose": -1, "deterministic": True, "num_threads": 1}
text = lightgbm.train(options, data, num_boost_round=10).model_to_string()

content = text.encode()
listing = f"{hashlib.sha256(content).hexdigest()}  {len(content)}  model.bst\n"
digest = f"sha256:{hashlib.sha256(listing.encode()).hexdigest()}"


def replace(file, before, value, after):
    path = HERE / file
    start, rest = path.read_text().split(before, 1)
    path.write_text(start + before + value + rest[rest.index(after) :])


lines = "".join(f"    {line}\n" if line else "\n" for line in text.removesuffix("\n").split("\n"))
replace("2-model-file.yaml", "  model.bst: |\n", lines, "---\n")
replace("4-model-version.yaml", "    digest: ", digest, "\n")
print(digest, lightgbm.Booster(model_str=text).predict([[3.1, 12], [0.8, 6]]))
