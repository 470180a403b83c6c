"""Fills an MLflow server with one of everything that moves."""

import os

import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Metric


class Echo(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input


client = MlflowClient()
alpha = mlflow.set_experiment("alpha").experiment_id
client.set_experiment_tag(alpha, "team", "x")
for number in range(int(os.environ["RUNS"])):
    with mlflow.start_run(run_name=f"run {number}") as run:
        mlflow.log_param("number", number)
        mlflow.set_tag("umlaut", "ü" * 10)
        points = [Metric("loss", 1 / (i + 1), 1_700_000_000_000 + i, i) for i in range(1200)]
        client.log_batch(run.info.run_id, metrics=points[:1000])
        client.log_batch(run.info.run_id, metrics=points[1000:])
        mlflow.log_text(f"hello {number}", "notes/a b.txt")
with mlflow.start_run(run_name="parent") as parent:
    mlflow.log_metric("nan", float("nan"))
    mlflow.log_metric("inf", float("inf"))
    mlflow.log_input(mlflow.data.from_pandas(pd.DataFrame({"a": [1, 2]}), name="ds"), context="training")
    with mlflow.start_run(run_name="child", nested=True):
        mlflow.log_metric("accuracy", 0.5, step=3)
client.set_terminated(parent.info.run_id, "FAILED", end_time=1_700_000_005_000)
gone = client.create_run(alpha, run_name="gone").info.run_id
client.log_metric(gone, "m", 2.0)
client.delete_run(gone)
beta = client.create_experiment("beta")
client.log_metric(client.create_run(beta).info.run_id, "m", 1.0)
client.delete_experiment(beta)

with mlflow.start_run(experiment_id=alpha, run_name="model"):
    info = mlflow.pyfunc.log_model(name="model", python_model=Echo(), registered_model_name="reg")
    mlflow.log_metric("score", 0.25, model_id=info.model_id)
source = f"{client.get_run(run.info.run_id).info.artifact_uri}/notes"
for i in range(3):
    client.create_model_version("reg", source, run_id=run.info.run_id, tags={"n": str(i)}, description=f"d{i}")
client.delete_model_version("reg", "2")
client.set_registered_model_alias("reg", "champion", "3")
client.set_registered_model_tag("reg", "k", "v")
client.transition_model_version_stage("reg", "4", "Production")
