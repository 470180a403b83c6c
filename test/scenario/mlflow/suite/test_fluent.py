"""The client as scripts use it: start_run and log_*, datasets, models, autologging."""

import json
import math
import os

import mlflow
import numpy
import pandas
import pytest
from wire import P, fresh, refused

import mlflow.sklearn


@pytest.fixture(autouse=True)
def own_experiment(experiment):
    mlflow.set_experiment(experiment_id=experiment)


def test_a_run_begins_and_ends(client):
    with mlflow.start_run(run_name="outer", tags={"team": "x"}, description="words") as run:
        assert client.get_run(run.info.run_id).info.status == "RUNNING"
        mlflow.log_param("lr", 0.1)
        mlflow.log_params({f"p{i}": i for i in range(250)})
        mlflow.log_metric("loss", 1.5, step=1)
        mlflow.log_metrics({"loss": 0.5, "acc": float("nan")}, step=2)
        mlflow.set_tags({"a": "b", "c d": "e"})
    got = client.get_run(run.info.run_id)
    assert got.info.status == "FINISHED" and got.info.end_time >= got.info.start_time
    assert got.data.params["lr"] == "0.1" and len(got.data.params) == 251
    assert got.data.metrics["loss"] == 0.5 and math.isnan(got.data.metrics["acc"])
    assert got.data.tags["mlflow.note.content"] == "words" and got.data.tags["c d"] == "e"
    assert got.data.tags["mlflow.source.type"] == "LOCAL"


def test_an_exception_fails_the_run(client):
    with pytest.raises(ZeroDivisionError):
        with mlflow.start_run() as run:
            _ = 1 / 0
    assert client.get_run(run.info.run_id).info.status == "FAILED"


def test_runs_nest(client):
    with mlflow.start_run() as outer:
        with mlflow.start_run(nested=True) as inner:
            with mlflow.start_run(nested=True) as innermost:
                mlflow.log_metric("m", 1)
    assert client.get_parent_run(inner.info.run_id).info.run_id == outer.info.run_id
    assert client.get_parent_run(innermost.info.run_id).info.run_id == inner.info.run_id
    with mlflow.start_run(parent_run_id=outer.info.run_id) as child:
        pass
    assert mlflow.get_parent_run(child.info.run_id).info.run_id == outer.info.run_id


def test_a_run_is_resumed(client):
    with mlflow.start_run() as run:
        mlflow.log_metric("m", 1, step=1)
    with mlflow.start_run(run_id=run.info.run_id):
        assert client.get_run(run.info.run_id).info.status == "RUNNING"
        mlflow.log_metric("m", 2, step=2)
    assert [m.value for m in client.get_metric_history(run.info.run_id, "m")] == [1, 2]
    client.delete_run(run.info.run_id)
    with pytest.raises(Exception, match="deleted"):
        mlflow.start_run(run_id=run.info.run_id)


@pytest.mark.parametrize("status", ["FINISHED", "FAILED", "KILLED"])
def test_a_run_is_ended_with(client, status):
    run = mlflow.start_run()
    mlflow.end_run(status)
    assert client.get_run(run.info.run_id).info.status == status


def test_an_experiment_is_made_by_name(client):
    name = fresh("by-name")
    made = mlflow.set_experiment(name)
    assert client.get_experiment_by_name(name).experiment_id == made.experiment_id
    assert mlflow.set_experiment(name).experiment_id == made.experiment_id
    mlflow.set_experiment_tags({"a": "1", "b": "2"})
    assert client.get_experiment(made.experiment_id).tags == {"a": "1", "b": "2"}


def test_a_deleted_experiment_is_not_set(client):
    name = fresh("deleted")
    client.delete_experiment(client.create_experiment(name))
    with pytest.raises(Exception, match="deleted experiment"):
        mlflow.set_experiment(name)


def test_runs_are_searched_as_a_table(experiment):
    for i in range(3):
        with mlflow.start_run():
            mlflow.log_param("p", i)
            mlflow.log_metric("m", i)
    table = mlflow.search_runs([experiment], "metrics.m > 0", order_by=["metrics.m DESC"])
    assert list(table["params.p"]) == ["2", "1"] and list(table["metrics.m"]) == [2, 1]
    assert len(mlflow.search_runs([experiment], output_format="list", max_results=2)) == 2


def test_text_and_dict(run, client):
    with mlflow.start_run() as run:
        mlflow.log_text("hello ü", "texts/hello.txt")
        mlflow.log_dict({"a": [1, 2]}, "dict.json")
        mlflow.log_dict({"a": 1}, "dict.yml")
    root = f"runs:/{run.info.run_id}"
    assert mlflow.artifacts.load_text(f"{root}/texts/hello.txt") == "hello ü"
    assert mlflow.artifacts.load_dict(f"{root}/dict.json") == {"a": [1, 2]}
    assert mlflow.artifacts.load_text(f"{run.info.artifact_uri}/dict.yml") == "a: 1\n"


def test_a_figure(client):
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots()
    axes.plot([1, 2], [3, 4])
    with mlflow.start_run() as run:
        mlflow.log_figure(figure, "figures/a.png")
    [file] = client.list_artifacts(run.info.run_id, "figures")
    assert file.path == "figures/a.png" and file.file_size > 1000


def test_images(client):
    pixels = numpy.random.randint(0, 255, (8, 8, 3), dtype=numpy.uint8)
    with mlflow.start_run() as run:
        mlflow.log_image(pixels, "one.png")
        for step in range(3):
            mlflow.log_image(pixels, key="dog", step=step, synchronous=True)
    back = mlflow.artifacts.load_image(f"runs:/{run.info.run_id}/one.png")
    assert (numpy.asarray(back) == pixels).all()
    names = [f.path for f in client.list_artifacts(run.info.run_id, "images")]
    assert len([name for name in names if name.endswith(".png")]) == 3
    assert client.get_run(run.info.run_id).data.tags["mlflow.loggedImages"] == "True"


def test_tables(client):
    with mlflow.start_run() as run:
        mlflow.log_table({"x": [1, 2], "y": ["a", "b"]}, "table.json")
        mlflow.log_table(pandas.DataFrame({"x": [3], "y": ["c"]}), "table.json")
    assert list(mlflow.load_table("table.json", run_ids=[run.info.run_id])["x"]) == [1, 2, 3]
    [tag] = json.loads(client.get_run(run.info.run_id).data.tags["mlflow.loggedArtifacts"])
    assert tag == {"path": "table.json", "type": "table"}


def test_artifacts_of_a_script(client, tmp_path):
    (tmp_path / "a.txt").write_text("a")
    with mlflow.start_run() as run:
        mlflow.log_artifact(str(tmp_path / "a.txt"))
        mlflow.log_artifacts(str(tmp_path), "folder")
        assert mlflow.get_artifact_uri("folder/a.txt") == f"{run.info.artifact_uri}/folder/a.txt"
    assert {f.path for f in mlflow.artifacts.list_artifacts(run_id=run.info.run_id)} == {"a.txt", "folder"}


def dataset(name="tiny"):
    return mlflow.data.from_pandas(pandas.DataFrame({"x": [1, 2], "y": [0, 1]}), name=name, targets="y")


def test_datasets(client, experiment):
    with mlflow.start_run() as run:
        mlflow.log_input(dataset(), context="training", tags={"k": "v"})
        mlflow.log_input(dataset(), context="other")
        mlflow.log_input(dataset("second"))
    inputs = {i.dataset.name: i for i in client.get_run(run.info.run_id).inputs.dataset_inputs}
    assert set(inputs) == {"tiny", "second"}
    tags = {t.key: t.value for t in inputs["tiny"].tags}
    assert tags == {"mlflow.data.context": "training", "k": "v"}
    assert json.loads(inputs["tiny"].dataset.profile)["num_rows"] == 2
    assert "x" in inputs["tiny"].dataset.schema
    assert len(client.search_runs([experiment], "dataset.name = 'tiny' AND dataset.context = 'training'")) == 1
    assert mlflow.data.get_source(inputs["tiny"].dataset) is not None


def test_datasets_of_experiments(api, experiment):
    with mlflow.start_run():
        mlflow.log_input(dataset(), context="training")
    found = api.post("/ajax-api/2.0/mlflow/experiments/search-datasets", {"experiment_ids": [experiment]}).ok()
    [summary] = found["dataset_summaries"]
    assert (summary["experiment_id"], summary["name"], summary["context"]) == (experiment, "tiny", "training")


@pytest.mark.parametrize(("ids", "words"), [([], "SearchDatasets request must specify at least one experiment_id."), ([str(i) for i in range(21)], "SearchDatasets request cannot specify more than 20 experiment_ids. Received 21 experiment_ids.")])
def test_bad_searches_of_datasets(api, ids, words):
    api.post("/ajax-api/2.0/mlflow/experiments/search-datasets", {"experiment_ids": ids}).refused("INVALID_PARAMETER_VALUE", words)


@pytest.mark.parametrize(
    ("field", "length", "is_fine"),
    [("name", 500, True), ("name", 501, False), ("digest", 36, True), ("digest", 37, False), ("source", 65_535, True), ("source", 65_536, False), ("schema", 100_000, True), ("schema", 1_048_576, False), ("profile", 1_000_000, True)],
)
def test_datasets_have_limits(api, run, field, length, is_fine):
    fields = {"name": "n", "digest": "d", "source_type": "local", "source": "s", field: "x" * length}
    answer = api.post(f"{P}/runs/log-inputs", {"run_id": run, "datasets": [{"dataset": fields, "tags": []}]})
    if is_fine:
        answer.ok()
        assert len(api.get(f"{P}/runs/get", {"run_id": run}).json["run"]["inputs"]["dataset_inputs"]) == 1
    else:
        answer.refused("INVALID_PARAMETER_VALUE", "exceeds the maximum length")


@pytest.mark.parametrize("field", ["name", "digest", "source_type", "source"])
def test_a_dataset_needs_its_fields(api, run, field):
    fields = {"name": "n", "digest": "d", "source_type": "local", "source": "s"}
    del fields[field]
    # MLflow's database takes some of these as empty.
    answer = api.post(f"{P}/runs/log-inputs", {"run_id": run, "datasets": [{"dataset": fields}]})
    assert answer.status in (200, 400)


def test_metrics_of_the_machine(client):
    pytest.importorskip("psutil")
    import time

    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

    with mlflow.start_run() as run:
        monitor = SystemMetricsMonitor(run.info.run_id, sampling_interval=0.05, samples_before_logging=1)
        monitor.start()
        end = time.monotonic() + 20
        while not any(k.startswith("system/") for k in client.get_run(run.info.run_id).data.metrics) and time.monotonic() < end:
            time.sleep(0.05)
        monitor.finish()
    assert any(key.startswith("system/cpu") for key in client.get_run(run.info.run_id).data.metrics)


class Echo(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input


@pytest.fixture(scope="module")
def logged():
    """A run, its logged model, the name it is registered under, and what it makes of data."""
    from sklearn.datasets import load_iris
    from sklearn.ensemble import RandomForestClassifier

    experiment = mlflow.set_experiment(fresh("flavor"))
    features, target = load_iris(return_X_y=True, as_frame=True)
    mlflow.sklearn.autolog(serialization_format="cloudpickle", silent=True)
    with mlflow.start_run(experiment_id=experiment.experiment_id) as run:
        model = RandomForestClassifier(n_estimators=5, random_state=0).fit(features, target)
    mlflow.sklearn.autolog(disable=True)
    [output] = mlflow.MlflowClient().get_run(run.info.run_id).outputs.model_outputs
    name = fresh("auto")
    registered = mlflow.register_model(f"models:/{output.model_id}", name)
    mlflow.MlflowClient().set_registered_model_alias(name, "champ", registered.version)
    return {"run": run.info.run_id, "model": output.model_id, "name": name, "features": features, "said": list(model.predict(features))}


def test_autologging_keeps_a_training(client, logged):
    got = client.get_run(logged["run"])
    assert got.data.params["n_estimators"] == "5" and got.data.metrics["training_accuracy_score"] > 0.9
    assert len(got.inputs.dataset_inputs) == 1
    model = mlflow.get_logged_model(logged["model"])
    assert model.status == "READY" and model.source_run_id == logged["run"]
    assert model.params["n_estimators"] == "5"
    found = mlflow.search_logged_models([got.info.experiment_id], output_format="list")
    assert [m.model_id for m in found] == [logged["model"]]


@pytest.mark.parametrize("uri", ["models:/{model}", "runs:/{run}/model", "models:/{name}/1", "models:/{name}@champ", "models:/{name}/latest"])
def test_a_model_is_loaded_by(logged, uri):
    model = mlflow.pyfunc.load_model(uri.format(**logged))
    assert list(model.predict(logged["features"])) == logged["said"]


def test_a_registered_model_tells_where_it_is_from(client, logged):
    version = client.get_model_version(logged["name"], "1")
    assert (version.run_id, version.source) == (logged["run"], f"models:/{logged['model']}")
    told = json.loads(mlflow.get_logged_model(logged["model"]).tags["mlflow.modelVersions"])
    assert {"name": logged["name"], "version": 1} in [{**entry, "version": int(entry["version"])} for entry in told]


def test_a_model_is_registered_as_it_is_logged(client):
    name = fresh("logged")
    for number in (1, 2):
        with mlflow.start_run():
            info = mlflow.pyfunc.log_model(name="model", python_model=Echo(), registered_model_name=name, pip_requirements=[])
        assert int(info.registered_model_version) == number
    assert mlflow.pyfunc.load_model(f"models:/{name}/2").predict([1, 2]) == [1, 2]


def test_a_model_of_no_run(client, experiment):
    info = mlflow.pyfunc.log_model(name="alone", python_model=Echo(), pip_requirements=[])
    assert mlflow.get_logged_model(info.model_id).experiment_id == experiment
    assert mlflow.pyfunc.load_model(info.model_uri).predict([3]) == [3]


def test_a_model_made_elsewhere(client):
    model = mlflow.create_external_model(name="outside", params={"a": "b"}, tags={"c": "d"})
    got = mlflow.get_logged_model(model.model_id)
    assert (got.status, got.params, got.tags["c"]) == ("READY", {"a": "b"}, "d")


def test_registering_what_is_not_there(client):
    # MLflow answers 500, and its client gives up asking again.
    with pytest.raises(Exception, match="(?i)not found|unable to find|does not exist|no such|max retries"):
        mlflow.register_model("models:/m-" + "0" * 32, fresh("none"))
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_model_version(fresh("none"), "1"))


def test_later_features_say_no_and_do_not_stall(api):
    # MLflow has them; a server without them must answer at once, with what clients do not ask again.
    for method, path in [("POST", "/api/3.0/mlflow/traces/search"), ("GET", "/api/2.0/mlflow/traces"), ("POST", "/api/3.0/mlflow/scorers/list")]:
        assert api.send(method, path, **({"json": {}} if method == "POST" else {})).status not in (429, 502, 503, 504)


def test_a_traced_function_still_returns():
    @mlflow.trace
    def double(x):
        return 2 * x

    assert double(4) == 8
    with mlflow.start_run():
        assert double(5) == 10


def test_the_folder_of_a_run_is_told(client):
    with mlflow.start_run() as run:
        place = mlflow.get_artifact_uri()
    assert place == run.info.artifact_uri and os.path.basename(place) == "artifacts"
