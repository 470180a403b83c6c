"""The native API with early stopping and an evaluation set."""

import xgboost
from sklearn.datasets import load_diabetes


def features():
    return load_diabetes(return_X_y=True, as_frame=True)[0]


def train():
    x, y = load_diabetes(return_X_y=True, as_frame=True)
    sets = xgboost.DMatrix(x[:300], y[:300]), xgboost.DMatrix(x[300:], y[300:])
    params = {"objective": "reg:squarederror", "max_depth": 3, "seed": 7, "nthread": 1}
    evals = [(sets[0], "train"), (sets[1], "valid")]
    xgboost.train(params, sets[0], num_boost_round=40, evals=evals, early_stopping_rounds=5, verbose_eval=False)
