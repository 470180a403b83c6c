"""What people do with the MLflow client, each as one check. Prints one JSON line a check; the vitest side asserts on them."""

import json
import math
import os
import sys
import tempfile
import threading
import traceback
import uuid

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException, RestException

client = MlflowClient()
CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def fresh(label):
    return f"{label}-{uuid.uuid4().hex[:8]}"


def refused(code, call):
    try:
        call()
    except (RestException, MlflowException) as error:
        assert error.error_code == code, error
        return str(error)
    raise AssertionError("was not refused")


@check
def fluent_run():
    mlflow.set_experiment(fresh("fluent"))
    with mlflow.start_run(run_name="outer", tags={"team": "x"}, description="words") as run:
        mlflow.log_param("lr", 0.1)
        mlflow.log_params({f"p{i}": i for i in range(150)})
        mlflow.log_metric("loss", 1.5, step=1)
        mlflow.log_metrics({"loss": 0.5, "acc": float("nan")}, step=2)
        mlflow.set_tags({"a": "b", "c d": "e"})
        with mlflow.start_run(nested=True, run_name="inner") as inner:
            mlflow.log_metric("m", 1)
    got = client.get_run(run.info.run_id)
    assert got.info.status == "FINISHED" and got.info.end_time >= got.info.start_time
    assert got.data.params["lr"] == "0.1" and len(got.data.params) == 151
    assert got.data.metrics["loss"] == 0.5 and math.isnan(got.data.metrics["acc"])
    assert got.data.tags["mlflow.note.content"] == "words" and got.data.tags["c d"] == "e"
    assert client.get_run(inner.info.run_id).data.tags["mlflow.parentRunId"] == run.info.run_id
    assert [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, "loss")] == [(1, 1.5), (2, 0.5)]
    resumed = mlflow.start_run(run_id=run.info.run_id)
    assert client.get_run(resumed.info.run_id).info.status == "RUNNING"
    mlflow.end_run("FAILED")
    assert client.get_run(run.info.run_id).info.status == "FAILED"


@check
def batches_and_async():
    run = client.create_run(client.create_experiment(fresh("batch")))
    id = run.info.run_id
    client.log_batch(id, [Metric(f"m{i % 7}", i, 1000 + i, i) for i in range(1000)], [Param("p", "1")], [RunTag("t", "1")])
    refused("INVALID_PARAMETER_VALUE", lambda: client.log_param(id, "p", "2"))
    operations = [client.log_metric(id, "async", i, step=i, synchronous=False) for i in range(300)]
    for operation in operations:
        operation.wait()
    assert len(client.get_metric_history(id, "async")) == 300
    assert len(client.get_metric_history(id, "m0")) == 143

    def log(worker):
        for i in range(25):
            client.log_metric(id, f"thread{worker}", i, step=i)

    threads = [threading.Thread(target=log, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(len(client.get_metric_history(id, f"thread{n}")) == 25 for n in range(8))


@check
def artifacts():
    mlflow.set_experiment(fresh("artifacts"))
    with mlflow.start_run() as run:
        mlflow.log_text("hello", "texts/hello.txt")
        mlflow.log_dict({"a": [1, 2]}, "dict.json")
        mlflow.log_text("ü", "odd name/ü & %.txt")
        mlflow.log_table({"x": [1, 2], "y": ["a", "b"]}, "table.json")
        with tempfile.TemporaryDirectory() as folder:
            big = os.path.join(folder, "big.bin")
            with open(big, "wb") as file:
                file.write(os.urandom(3_000_000))
            mlflow.log_artifacts(folder, "folder")
            back = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="folder/big.bin")
            assert open(back, "rb").read() == open(big, "rb").read()
    id = run.info.run_id
    assert mlflow.artifacts.load_text(f"runs:/{id}/texts/hello.txt") == "hello"
    assert mlflow.artifacts.load_dict(f"{run.info.artifact_uri}/dict.json") == {"a": [1, 2]}
    assert mlflow.artifacts.load_text(f"runs:/{id}/odd name/ü & %.txt") == "ü"
    assert len(mlflow.load_table("table.json", run_ids=[id])) == 2
    assert {file.path for file in client.list_artifacts(id)} == {"texts", "dict.json", "odd name", "table.json", "folder"}
    whole = mlflow.artifacts.download_artifacts(run_id=id)
    assert open(os.path.join(whole, "texts", "hello.txt")).read() == "hello"


@check
def multipart_upload():
    os.environ["MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD"] = "true"
    os.environ["MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE"] = str(5 * 1024 * 1024)
    os.environ["MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE"] = str(5 * 1024 * 1024)
    try:
        with mlflow.start_run(experiment_id=client.create_experiment(fresh("parts"))) as run:
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "large.bin")
                content = os.urandom(12 * 1024 * 1024 + 7)
                with open(path, "wb") as file:
                    file.write(content)
                mlflow.log_artifact(path)
        back = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="large.bin")
        assert open(back, "rb").read() == content
    finally:
        del os.environ["MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD"]


@check
def searches():
    experiment = client.create_experiment(fresh("search"), tags={"kind": "s"})
    for i in range(12):
        run = client.create_run(experiment, run_name=f"r{i}", start_time=1000 + i)
        client.log_metric(run.info.run_id, "acc", i / 10)
        client.log_param(run.info.run_id, "lr", str(i % 3))
    found = client.search_runs([experiment], "metrics.acc >= 0.5 and params.lr = '0'", order_by=["metrics.acc DESC"])
    assert [run.info.run_name for run in found] == ["r9", "r6"]
    page = client.search_runs([experiment], max_results=5)
    pages = list(page)
    while page.token:
        page = client.search_runs([experiment], max_results=5, page_token=page.token)
        pages += page
    assert [run.info.run_name for run in pages] == [f"r{i}" for i in range(11, -1, -1)]
    assert len(mlflow.search_runs([experiment], output_format="pandas")) == 12
    assert [e.experiment_id for e in client.search_experiments(filter_string="tags.kind = 's'", order_by=["creation_time DESC"])][0] == experiment
    client.delete_run(found[0].info.run_id)
    assert len(client.search_runs([experiment], run_view_type=ViewType.ALL)) == 12
    assert len(client.search_runs([experiment], run_view_type=ViewType.DELETED_ONLY)) == 1
    refused("INVALID_PARAMETER_VALUE", lambda: client.search_runs([experiment], "metrics.acc > 'x'"))


@check
def experiments():
    name = fresh("exp")
    id = client.create_experiment(name)
    refused("RESOURCE_ALREADY_EXISTS", lambda: client.create_experiment(name))
    assert client.get_experiment_by_name(fresh("none")) is None
    client.set_experiment_tag(id, "k", "v")
    client.rename_experiment(id, name + "-new")
    client.delete_experiment(id)
    assert client.get_experiment(id).lifecycle_stage == "deleted"
    refused("INVALID_PARAMETER_VALUE", lambda: client.create_run(id))
    client.restore_experiment(id)
    assert client.get_experiment_by_name(name + "-new").tags == {"k": "v"}
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_experiment("987654"))
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_run(uuid.uuid4().hex))


@check
def datasets():
    import pandas

    frame = pandas.DataFrame({"x": [1, 2], "y": [0, 1]})
    with mlflow.start_run(experiment_id=client.create_experiment(fresh("data"))) as run:
        mlflow.log_input(mlflow.data.from_pandas(frame, name="tiny", targets="y"), context="training")
    inputs = client.get_run(run.info.run_id).inputs.dataset_inputs
    assert [(i.dataset.name, i.tags[0].value) for i in inputs] == [("tiny", "training")]
    assert len(client.search_runs([run.info.experiment_id], "dataset.name = 'tiny' AND dataset.context = 'training'")) == 1


@check
def registry():
    name = fresh("reg")
    client.create_registered_model(name, tags={"a": "b"}, description="words")
    with mlflow.start_run(experiment_id=client.create_experiment(fresh("reg"))) as run:
        mlflow.log_text("x", "model/file.txt")
    version = client.create_model_version(name, f"runs:/{run.info.run_id}/model", run.info.run_id)
    client.create_model_version(name, f"runs:/{run.info.run_id}/model", run.info.run_id)
    client.set_registered_model_alias(name, "champ", version.version)
    client.set_model_version_tag(name, "1", "k", "v")
    client.transition_model_version_stage(name, "2", "Staging")
    got = client.get_model_version_by_alias(name, "champ")
    assert got.version == "1" and got.tags == {"k": "v"} and got.aliases == ["champ"] and got.run_id == run.info.run_id
    assert {v.version for v in client.search_model_versions(f"name='{name}'")} == {"1", "2"}
    assert client.get_latest_versions(name, ["Staging"])[0].version == "2"
    copied = client.copy_model_version(f"models:/{name}@champ", fresh("copy"))
    folder = mlflow.artifacts.download_artifacts(f"models:/{copied.name}/1")
    assert open(os.path.join(folder, "file.txt")).read() == "x"
    client.rename_registered_model(name, name + "-new")
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_registered_model(name))
    client.delete_model_version(name + "-new", "2")
    client.delete_registered_model_alias(name + "-new", "champ")
    client.delete_registered_model(name + "-new")
    refused("INVALID_PARAMETER_VALUE", lambda: client.create_registered_model("a/b"))


@check
def autolog():
    import mlflow.sklearn
    from sklearn.datasets import load_iris
    from sklearn.ensemble import RandomForestClassifier

    mlflow.sklearn.autolog(serialization_format="cloudpickle", silent=True)
    features, target = load_iris(return_X_y=True, as_frame=True)
    with mlflow.start_run(experiment_id=client.create_experiment(fresh("autolog"))) as run:
        model = RandomForestClassifier(n_estimators=5, random_state=0).fit(features, target)
    mlflow.sklearn.autolog(disable=True)
    got = client.get_run(run.info.run_id)
    assert got.data.params["n_estimators"] == "5" and got.data.metrics["training_accuracy_score"] > 0.9
    assert len(got.inputs.dataset_inputs) == 1
    logged = got.outputs.model_outputs[0].model_id
    assert mlflow.get_logged_model(logged).status == "READY"
    name = fresh("auto")
    registered = mlflow.register_model(f"models:/{logged}", name)
    client.set_registered_model_alias(name, "champ", registered.version)
    expected = list(model.predict(features))
    for uri in [f"models:/{logged}", f"runs:/{run.info.run_id}/model", f"models:/{name}/1", f"models:/{name}@champ"]:
        assert list(mlflow.pyfunc.load_model(uri).predict(features)) == expected, uri
    assert [m.model_id for m in mlflow.search_logged_models([run.info.experiment_id], output_format="list")] == [logged]


@check
def figures_tables_and_images():
    import matplotlib.pyplot
    import numpy
    import pandas

    matplotlib.pyplot.switch_backend("Agg")
    figure = matplotlib.pyplot.figure()
    mlflow.set_experiment(fresh("shown"))
    with mlflow.start_run() as run:
        mlflow.log_figure(figure, "plots/empty.png")
        mlflow.log_table({"x": [1], "y": ["a"]}, "table.json")
        mlflow.log_table(pandas.DataFrame({"x": [2], "y": ["b"]}), "table.json")
        mlflow.log_image(numpy.zeros((4, 4, 3), dtype=numpy.uint8), "black.png")
        for step in range(3):
            mlflow.log_image(numpy.zeros((4, 4, 3), dtype=numpy.uint8), key="dog/train", step=step)
    mlflow.flush_artifact_async_logging()
    id = run.info.run_id
    assert mlflow.load_table("table.json", run_ids=[id]).to_dict("list") == {"x": [1, 2], "y": ["a", "b"]}
    assert mlflow.artifacts.load_image(f"runs:/{id}/plots/empty.png").size == (640, 480)
    images = [file.path for file in client.list_artifacts(id, "images")]
    assert len(images) == 6 and all("dog" in path for path in images), images


@check
def prompts_and_traces():
    name = fresh("greet")
    mlflow.genai.register_prompt(name, "Hello {{name}}", tags={"a": "b"})
    mlflow.genai.register_prompt(name, "Hi {{name}}")
    mlflow.genai.set_prompt_alias(name, "prod", 2)
    assert mlflow.genai.load_prompt(f"prompts:/{name}/1").format(name="you") == "Hello you"
    assert mlflow.genai.load_prompt(f"prompts:/{name}@prod").version == 2
    assert [prompt.name for prompt in mlflow.genai.search_prompts(f"name = '{name}'")] == [name]
    assert mlflow.search_registered_models(filter_string=f"name = '{name}'") == []

    experiment = mlflow.set_experiment(fresh("traced")).experiment_id

    @mlflow.trace
    def double(x):
        return 2 * x

    with mlflow.start_span("outer"):
        assert double(2) == 4
    mlflow.flush_trace_async_logging()
    assert "does not keep traces" in refused("NOT_IMPLEMENTED", lambda: mlflow.search_traces(locations=[experiment]))


def main():
    wanted = sys.argv[1:]
    for function in CHECKS:
        if wanted and function.__name__ not in wanted:
            continue
        outcome = {"check": function.__name__, "ok": True}
        try:
            function()
        except BaseException:
            outcome = {"check": function.__name__, "ok": False, "why": traceback.format_exc()}
            if mlflow.active_run() is not None:
                mlflow.end_run()
        print("CHECK " + json.dumps(outcome), flush=True)


main()
