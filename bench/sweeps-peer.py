"""Optuna's side of the sweeps bench, and the table that stands for training an SVM. Prints JSON.

usage: sweeps-peer.py digits                       the table: cross-validated error of an SVM on scikit-learn's digits
       sweeps-peer.py optuna TABLE TRIALS SEEDS    {function: [regret of each seed]}
"""

import json
import math
import sys

# log10 of C and gamma, and steps between.
C_RANGE = (-3.0, 4.0)
GAMMA_RANGE = (-6.0, 1.0)
STEPS = 28


def digits():
    import numpy
    from sklearn.datasets import load_digits
    from sklearn.model_selection import cross_val_score
    from sklearn.svm import SVC

    x, y = load_digits(return_X_y=True)
    order = numpy.random.RandomState(0).permutation(len(x))[:700]
    x, y = x[order], y[order]

    def error(c, gamma):
        return 1 - cross_val_score(SVC(C=10**c, gamma=10**gamma), x, y, cv=3).mean()

    axis = lambda low, high: [low + (high - low) * i / STEPS for i in range(STEPS + 1)]
    print(json.dumps([[error(c, gamma) for gamma in axis(*GAMMA_RANGE)] for c in axis(*C_RANGE)]))


def svm(table, c, gamma):
    """Between the table's points, linearly."""
    row = (c - C_RANGE[0]) / (C_RANGE[1] - C_RANGE[0]) * STEPS
    column = (gamma - GAMMA_RANGE[0]) / (GAMMA_RANGE[1] - GAMMA_RANGE[0]) * STEPS
    i, j = min(STEPS - 1, int(row)), min(STEPS - 1, int(column))
    u, v = row - i, column - j
    return (
        (1 - u) * (1 - v) * table[i][j]
        + u * (1 - v) * table[i + 1][j]
        + (1 - u) * v * table[i][j + 1]
        + u * v * table[i + 1][j + 1]
    )


def branin(x, y):
    bowl = y - 5.1 / (4 * math.pi**2) * x * x + 5 / math.pi * x - 6
    return bowl**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10 - 0.39788735772973816


HEIGHTS = [1, 1.2, 3, 3.2]
WIDTHS = [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
CENTERS = [
    [1312, 1696, 5569, 124, 8283, 5886],
    [2329, 4135, 8307, 3736, 1004, 9991],
    [2348, 1451, 3522, 2883, 3047, 6650],
    [4047, 8828, 8732, 5743, 1091, 381],
]


def hartmann(*x):
    total = 0
    for height, widths, centers in zip(HEIGHTS, WIDTHS, CENTERS):
        total += height * math.exp(-sum(w * (v - c / 1e4) ** 2 for w, v, c in zip(widths, x, centers)))
    return 3.322368011415515 - total


def compare(table_file, trials, seeds):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    table = json.load(open(table_file))
    lowest = min(min(row) for row in table)

    def branin_trial(trial):
        return branin(trial.suggest_float("x", -5, 10), trial.suggest_float("y", 0, 15))

    def hartmann_trial(trial):
        return hartmann(*(trial.suggest_float(f"x{i}", 0, 1) for i in range(6)))

    def digits_trial(trial):
        c = trial.suggest_float("C", 10 ** C_RANGE[0], 10 ** C_RANGE[1], log=True)
        gamma = trial.suggest_float("gamma", 10 ** GAMMA_RANGE[0], 10 ** GAMMA_RANGE[1], log=True)
        return svm(table, math.log10(c), math.log10(gamma)) - lowest

    regrets = {}
    for name, objective in {"branin": branin_trial, "hartmann6": hartmann_trial, "svm-digits": digits_trial}.items():
        regrets[name] = []
        for seed in range(seeds):
            study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
            study.optimize(objective, n_trials=trials)
            regrets[name].append(study.best_value)
    print(json.dumps({"version": optuna.__version__, "regrets": regrets}))


if sys.argv[1] == "digits":
    digits()
else:
    compare(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
