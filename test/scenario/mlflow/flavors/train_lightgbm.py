"""The native API with early stopping and an evaluation set."""

import lightgbm
from sklearn.datasets import load_breast_cancer


def features():
    return load_breast_cancer(return_X_y=True, as_frame=True)[0]


def train():
    x, y = load_breast_cancer(return_X_y=True, as_frame=True)
    data = lightgbm.Dataset(x[:400], y[:400])
    params = {"objective": "binary", "metric": ["auc", "binary_logloss"], "seed": 7, "num_threads": 1, "verbosity": -1}
    valid = lightgbm.Dataset(x[400:], y[400:], reference=data)
    stop = lightgbm.early_stopping(5, verbose=False)
    lightgbm.train(params, data, num_boost_round=30, valid_sets=[valid], valid_names=["valid"], callbacks=[stop])
