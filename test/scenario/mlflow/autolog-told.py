"""Tells as JSON what a run keeps, and what its model makes of the data the model was fitted to."""

import json
import sys

import mlflow
from mlflow import MlflowClient
from sklearn.datasets import load_diabetes

client = MlflowClient()
experiment, wanted = sys.argv[1:]
runs = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
run = next(run for run in runs if wanted in ("", run.info.run_id))
features, _ = load_diabetes(return_X_y=True, as_frame=True)
# A job's run has samples of its machine beside what the script logs (`system/...`): they are not the script's.
[output] = run.outputs.model_outputs
model = mlflow.get_logged_model(output.model_id)
print(
    json.dumps(
        {
            "status": run.info.status,
            "params": run.data.params,
            "metrics": {key: value for key, value in run.data.metrics.items() if not key.startswith("system/")},
            "datasets": [[entry.dataset.name, entry.dataset.digest] for entry in run.inputs.dataset_inputs],
            "model": {"status": str(model.status), "params": model.params, "type": model.model_type},
            "coefficients": mlflow.sklearn.load_model(f"models:/{output.model_id}").coef_.tolist(),
            "predictions": mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model").predict(features).tolist(),
        }
    )
)
