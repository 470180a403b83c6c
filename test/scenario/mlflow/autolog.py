"""Plain MLflow: names no address, no run and no experiment."""

import mlflow
import mlflow.sklearn
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

mlflow.sklearn.autolog()

features, target = load_diabetes(return_X_y=True, as_frame=True)
with mlflow.start_run():
    Ridge(alpha=0.5, random_state=7).fit(features, target)
