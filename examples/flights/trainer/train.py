"""Trains a delay model on flights with distributed XGBoost and writes it as ONNX.

Each pod of the TrainingJob runs this file. They find each other through the DMLC_* variables (rank 0 runs the tracker), each
learns from its share of the rows, and all end with the same trees. Rank 0 then evaluates and writes the results:
  model.onnx     one input `x` [rows, columns] of Float32, in the order of features.json; `probabilities` [rows, 2] comes out
  features.json  the columns of `x`, and the number to send where a value is missing
  metrics.json   AUC on the validation rows, with and without the columns that were joined from FeatureSets
  samples.json   1,000 validation rows with the answers of XGBoost itself, to compare served answers with
"""

import json
import os
import socket
import threading
import time
from pathlib import Path

import duckdb
import numpy as np
import onnx
import xgboost as xgb
from onnxmltools.convert import convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from xgboost.collective import CommunicatorContext
from xgboost.tracker import RabitTracker

DATASET = Path(os.environ["SLIPWAY_DATASET_DIR"])
OUTPUT = Path(os.environ["SLIPWAY_OUTPUT_DIR"])
PARAMETERS = json.loads(os.environ.get("SLIPWAY_PARAMETERS", "{}"))
RANK = int(os.environ.get("DMLC_TASK_ID", "0"))
NODES = int(os.environ.get("DMLC_NUM_WORKER", "1"))

MISSING = -999.0  # JSON has no NaN, so a caller can send this number; the trees learn which way it goes
NUMERIC = {"DOUBLE", "FLOAT", "BIGINT", "INTEGER", "SMALLINT", "TINYINT", "BOOLEAN"}


def columns_by_role() -> dict[str, list[str]]:
    """The columns of the dataset by role, only those that a tree can take: numbers."""
    roles: dict[str, list[str]] = {"request": [], "feature": [], "label": []}
    table = open_split("train")
    types = dict(zip(table.columns, map(str, table.types)))
    for column in json.loads((DATASET / "schema.json").read_text())["columns"]:
        if column["role"] in roles and types[column["name"]] in NUMERIC:
            roles[column["role"]].append(column["name"])
    return roles


def open_split(split: str) -> duckdb.DuckDBPyRelation:
    return duckdb.read_parquet(f"{DATASET}/{split}/part-*.parquet")


def read_rows(split: str) -> dict[str, np.ndarray]:
    """All columns of a split; the same order in every pod."""
    return open_split(split).fetchnumpy()


def matrix(rows: dict[str, np.ndarray], columns: list[str]) -> np.ndarray:
    """[rows, columns] of Float32, with MISSING for null."""
    filled = [np.ma.filled(np.ma.asarray(rows[c]).astype(np.float32), MISSING) for c in columns]
    return np.nan_to_num(np.column_stack(filled), nan=MISSING)


def wait_for_tracker(host: str, seconds: float = 120) -> None:
    """The name of rank 0's pod appears in DNS a moment after the pod has an address."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.getaddrinfo(host, None)
            return
        except socket.gaierror:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def train(models: dict[str, list[str]], label: str) -> dict[str, xgb.Booster]:
    """Trains a model for each list of columns, on this rank's share of the rows, together with the other ranks."""
    rows = {name: values[RANK::NODES] for name, values in read_rows("train").items()}
    settings = {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "max_depth": int(PARAMETERS.get("depth", 6)),
        "eta": float(PARAMETERS.get("eta", 0.1)),
        "subsample": float(PARAMETERS.get("subsample", 1.0)),
        "seed": int(PARAMETERS.get("seed", 7)),
        "nthread": int(PARAMETERS.get("threads", 1)),  # sums of floats depend on it, so it is not left to the machine
    }
    boosters = {}
    for name, columns in models.items():
        data = xgb.QuantileDMatrix(matrix(rows, columns), label=rows[label].astype(np.float32))
        boosters[name] = xgb.train(settings, data, int(PARAMETERS.get("rounds", 100)))
        print(f"rank {RANK}: trained {name} on {data.num_row()} rows, {len(columns)} columns", flush=True)
    return boosters


def train_together(models: dict[str, list[str]], label: str) -> dict[str, xgb.Booster]:
    """Joins the other pods, trains, and leaves them again: nothing after this may depend on another pod."""
    if NODES == 1:
        return train(models, label)
    host, port = os.environ["DMLC_TRACKER_URI"], int(os.environ["DMLC_TRACKER_PORT"])
    if RANK == 0:
        tracker = RabitTracker(n_workers=NODES, host_ip="0.0.0.0", port=port, sortby="task")
        tracker.start()
        threading.Thread(target=tracker.wait_for, daemon=True).start()
    wait_for_tracker(host)
    address = socket.gethostbyname(host)
    with CommunicatorContext(
        dmlc_communicator="rabit",
        dmlc_tracker_uri=address,
        dmlc_tracker_port=port,
        dmlc_task_id=str(RANK),
        dmlc_retry=10,
    ):
        return train(models, label)


def to_onnx(booster: xgb.Booster, columns: list[str]) -> onnx.ModelProto:
    model = convert_xgboost(booster, name="delay", initial_types=[("x", FloatTensorType([None, len(columns)]))], target_opset=15)
    onnx.helper.set_model_props(model, {"features": json.dumps(columns), "missing": str(MISSING)})
    return model


def auc(label: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve: the chance that a late flight gets a higher score than one on time; a tie counts half."""
    values, group, counts = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[group]
    late = label == 1
    return float((rank[late].sum() - late.sum() * (late.sum() + 1) / 2) / (late.sum() * (~late).sum()))


def samples(rows: dict[str, np.ndarray], x: np.ndarray, scores: np.ndarray, names: list[str]) -> list[dict]:
    """1,000 rows spread over the whole split, with everything that tells a person which flight it was."""
    chosen = np.linspace(0, len(x) - 1, min(1000, len(x))).astype(int)
    return [
        {name: rows[name][i] for name in names}
        | {"x": [float(v) for v in x[i]], "probability": float(scores[i])}
        for i in chosen
    ]


def plain_value(value: object) -> object:
    """NumPy's numbers as JSON numbers, instants as text."""
    return value.item() if isinstance(value, (np.integer, np.floating, np.bool_)) else str(value)


def main() -> None:
    roles = columns_by_role()
    label, full = roles["label"][0], roles["request"] + roles["feature"]
    boosters = train_together({"full": full, "without_joined_features": roles["request"]}, label)
    if RANK != 0:
        return
    rows = read_rows("validation")
    truth, x = rows[label].astype(int), matrix(rows, full)
    scores = boosters["full"].predict(xgb.DMatrix(x))
    plain = boosters["without_joined_features"].predict(xgb.DMatrix(matrix(rows, roles["request"])))
    metrics = {"validation.auc": auc(truth, scores), "validation.auc_without_joined_features": auc(truth, plain)}
    shown = [name for name in rows if name not in full]
    OUTPUT.mkdir(parents=True, exist_ok=True)
    onnx.save(to_onnx(boosters["full"], full), OUTPUT / "model.onnx")
    (OUTPUT / "features.json").write_text(json.dumps({"x": full, "missing": MISSING}, indent=2))
    (OUTPUT / "samples.json").write_text(json.dumps({"x": full, "samples": samples(rows, x, scores, shown)}, default=plain_value))
    (OUTPUT / "metrics.json").write_text(json.dumps(metrics))
    print("  ".join(f"{name} {value:.4f}" for name, value in metrics.items()), flush=True)


if __name__ == "__main__":
    main()
