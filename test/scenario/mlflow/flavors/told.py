"""Trains the named flavors under `mlflow.autolog`, each in an experiment of its own, and tells what the server then holds by what
does not depend on the server. Prints one line a flavor."""

import importlib
import json
import re
import sys
import time

import mlflow
import numpy
import pandas
from mlflow import MlflowClient

client = MlflowClient()
IDS = re.compile(r"m-[0-9a-f]{32}|[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# How long something took is the machine's.
TIMING = re.compile(r"runtime|per_second|fit_time|score_time")
PLACES = re.compile(r"(file://)?/tmp/\w+|\d{4}-\d\d-\d\d[ T][\d:.]+|\b[a-z]+-[a-z]+-\d+\b|(?<=experiments/)\d+|mlflow-artifacts:/\d+")


def plain(text):
    return PLACES.sub("PLACE", IDS.sub("ID", text))


def below(path_of, list_):
    pending, found = [path_of], []
    while pending:
        for entry in list_(pending.pop()):
            (pending if entry.is_dir else found).append(entry.path)
    return sorted(plain(path) for path in found)


def told_run(run):
    id = run.info.run_id
    return {
        "status": run.info.status,
        "ended": run.info.end_time >= run.info.start_time,
        "params": {key: plain(value) for key, value in run.data.params.items()},
        "metrics": {
            key: "a time" if TIMING.search(key) else [[m.step, m.value] for m in client.get_metric_history(id, key)]
            for key in sorted(run.data.metrics)
        },
        "tags": {key: "" if key == "mlflow.log-model.history" else plain(value) for key, value in run.data.tags.items()},
        "datasets": [
            [{**dict(i.dataset), "source": plain(i.dataset.source)}, {t.key: t.value for t in i.tags}]
            for i in run.inputs.dataset_inputs
        ],
        "models": [len(run.inputs.model_inputs), [output.step for output in run.outputs.model_outputs]],
        "files": below(None, lambda path: client.list_artifacts(id, path)),
    }


def told_model(model, features):
    files = below("", lambda path: client.list_logged_model_artifacts(model.model_id, path))
    return {
        **(told_flavor(model, features) if "MLmodel" in files else {}),
        "name": model.name,
        "status": str(model.status),
        "type": model.model_type,
        "params": {key: plain(value) for key, value in model.params.items()},
        "tags": {key: plain(value) for key, value in model.tags.items()},
        "metrics": sorted([m.key, m.step, m.value, m.dataset_name or ""] for m in model.metrics if not TIMING.search(m.key)),
        "files": files,
    }


def told_flavor(model, features):
    loaded = mlflow.pyfunc.load_model(f"models:/{model.model_id}")
    predictions = loaded.predict(features)
    if isinstance(predictions, pandas.DataFrame):
        predictions = predictions.to_numpy()
    return {
        "signature": str(loaded.metadata.signature),
        "flavors": sorted(loaded.metadata.flavors),
        "predictions": [str(value) for value in numpy.asarray(predictions).ravel().tolist()],
    }


def main():
    modules = {flavor: importlib.import_module(f"train_{flavor}") for flavor in sys.argv[1:]}
    # After the imports: its own import hook trips over torch's.
    mlflow.autolog(log_input_examples=True, log_model_signatures=True)
    for flavor, module in modules.items():
        started = time.perf_counter()
        experiment = mlflow.set_experiment(f"autolog {flavor}").experiment_id
        module.train()
        mlflow.flush_async_logging()
        runs = [told_run(client.get_run(run.info.run_id)) for run in client.search_runs([experiment])]
        models = [told_model(m, module.features()) for m in client.search_logged_models([experiment])]
        # Runs of one millisecond have no order of their own.
        runs.sort(key=lambda run: json.dumps(run, sort_keys=True))
        told = {"flavor": flavor, "runs": runs, "models": models}
        print("FLAVOR " + json.dumps(told, sort_keys=True), flush=True)
        print(f"{flavor}: {time.perf_counter() - started:.1f} s", file=sys.stderr)


main()
