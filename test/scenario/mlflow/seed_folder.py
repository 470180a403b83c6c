"""Fills an `mlruns` folder."""

import os

import mlflow

mlflow.set_tracking_uri(os.environ["FOLDER"])
mlflow.set_experiment("in a folder")
for number in range(3):
    with mlflow.start_run(run_name=f"run {number}"):
        mlflow.log_param("number", number)
        for step in range(20):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
        mlflow.log_text(f"hello {number}", "notes/a b.txt")
