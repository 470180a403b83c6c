"""What a person does with MLflow's own client in the stories; each function prints one JSON line."""

import json
import os
import sys
import tempfile

import mlflow
from mlflow import MlflowClient


def log_a_run():
    mlflow.set_experiment("notebooks")
    with mlflow.start_run(run_name="by hand") as run:
        mlflow.log_params({"depth": 3})
        for step in range(5):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "notes.txt")
            with open(path, "w") as file:
                file.write("kept\n")
            mlflow.log_artifact(path)
    history = MlflowClient().get_metric_history(run.info.run_id, "loss")
    return {"run": run.info.run_id, "steps": len(history)}


def read_a_run(run_id):
    run = MlflowClient().get_run(run_id)
    found = mlflow.search_runs(experiment_ids=[run.info.experiment_id], filter_string="metrics.test_accuracy > 0.5")
    return {
        "status": run.info.status,
        "params": dict(run.data.params),
        "metrics": dict(run.data.metrics),
        "found": list(found["run_id"]),
        "artifacts": sorted(item.path for item in MlflowClient().list_artifacts(run_id)),
    }


def read_a_model(name, version):
    found = MlflowClient().get_model_version(name, version)
    folder = mlflow.artifacts.download_artifacts(f"models:/{name}/{version}")
    return {"run": found.run_id, "files": sorted(os.listdir(folder))}


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))
