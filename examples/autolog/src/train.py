"""Fits a regression; MLflow's autologging records parameters, metrics and the model."""

import sys

import mlflow
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import train_test_split

mlflow.sklearn.autolog()

features, target = load_diabetes(as_frame=True, return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(features, target, random_state=7)

with mlflow.start_run():
    forest = RandomForestRegressor(n_estimators=int(sys.argv[1]), max_depth=4, random_state=7)
    forest.fit(x_train, y_train)
    # Autologging sees this call, too, and names its metric after the data.
    print(f"test score {forest.score(x_test, y_test):.4f}")
