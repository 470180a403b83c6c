"""Prints what a server holds, by what does not depend on the server."""

import json
import os
import tempfile

import mlflow
from mlflow import MlflowClient
from mlflow.entities import ViewType

client = MlflowClient()


def run_of(run):
    files = {}
    with tempfile.TemporaryDirectory() as folder:
        for entry in client.list_artifacts(run.info.run_id):
            client.download_artifacts(run.info.run_id, entry.path, folder)
        for base, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(base, name)
                with open(path, "rb") as file:
                    files[os.path.relpath(path, folder)] = file.read().hex()
    info = run.info
    return {
        "name": info.run_name,
        "status": info.status,
        "lifecycle": info.lifecycle_stage,
        "times": [info.start_time, info.end_time],
        "user": info.user_id,
        "params": run.data.params,
        "tags": run.data.tags,
        "metrics": {
            key: [[repr(m.value), m.timestamp, m.step] for m in client.get_metric_history(info.run_id, key)]
            for key in sorted(run.data.metrics)
        },
        "datasets": [
            {**dict(i.dataset), "tags": {t.key: t.value for t in i.tags}} for i in run.inputs.dataset_inputs
        ],
        "outputs": [o.model_id for o in run.outputs.model_outputs],
        "files": files,
    }


experiments = {}
for experiment in client.search_experiments(view_type=ViewType.ALL):
    runs = client.search_runs([experiment.experiment_id], run_view_type=ViewType.ALL, max_results=1000)
    logged = client.search_logged_models([experiment.experiment_id])
    experiments[experiment.name] = {
        "lifecycle": experiment.lifecycle_stage,
        "tags": experiment.tags,
        "runs": {run.info.run_id: run_of(run) for run in runs},
        "logged_models": {
            m.model_id: [m.name, str(m.status), m.source_run_id, m.tags, [[x.key, x.value, x.step] for x in m.metrics or []]]
            for m in logged
        },
    }
models = {}
for model in client.search_registered_models():
    model = client.get_registered_model(model.name)
    versions = client.search_model_versions(f"name='{model.name}'")
    models[model.name] = {
        "tags": model.tags,
        "aliases": model.aliases,
        "versions": {
            str(v.version): [v.description, v.current_stage, v.run_id, v.tags, v.status] for v in versions
        },
    }
with tempfile.TemporaryDirectory() as folder:
    loaded = mlflow.pyfunc.load_model("models:/reg/1", dst_path=folder).predict([1, 2])
print("SERVER " + json.dumps({"experiments": experiments, "models": models, "loaded": loaded}, sort_keys=True))
