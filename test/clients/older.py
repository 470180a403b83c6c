"""What clients of earlier versions, and those without numpy and pandas, do with a server. Prints `CHECK name` after each named check."""

import os
import sys

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

client = MlflowClient()


def fluent():
    experiment = mlflow.set_experiment("fluent").experiment_id
    with mlflow.start_run(run_name="r", tags={"a": "b"}, description="words") as run:
        mlflow.log_params({"x": 1})
        mlflow.log_metric("m", 1.5, step=2)
        mlflow.log_metrics({"nan": float("nan"), "n": 2})
        mlflow.set_tag("k", "v")
        with mlflow.start_run(nested=True):
            mlflow.log_text("hi", "a/b.txt")
        mlflow.log_text("hi", "a/b.txt")
        mlflow.log_dict({"a": 1}, "d.json")
    id = run.info.run_id
    client.log_batch(id, [Metric("q", 1, 1, 1)], [Param("z", "1")], [RunTag("t", "1")])
    client.log_metric(id, "later", 1, synchronous=False).wait()
    got = client.get_run(id)
    assert sorted(got.data.metrics) == ["later", "m", "n", "nan", "q"] and got.info.status == "FINISHED"
    assert got.data.params == {"x": "1", "z": "1"}
    assert client.get_metric_history(id, "m")[0].step == 2
    assert mlflow.artifacts.load_text(f"runs:/{id}/a/b.txt") == "hi"
    assert [file.path for file in client.list_artifacts(id)] == ["a", "d.json"]
    assert [r.info.run_id for r in client.search_runs([experiment], "metrics.m > 1 and tags.k = 'v'")] == [id]
    client.delete_run(id)
    client.restore_run(id)


def experiments():
    id = client.create_experiment("first", tags={"a": "b"})
    client.set_experiment_tag(id, "c", "d")
    client.rename_experiment(id, "second")
    client.delete_experiment(id)
    client.restore_experiment(id)
    assert [e.name for e in client.search_experiments(filter_string="tags.a = 'b'")] == ["second"]


def registry():
    client.create_registered_model("reg", tags={"a": "b"})
    with mlflow.start_run() as run:
        mlflow.log_text("x", "model/file.txt")
    version = client.create_model_version("reg", f"{run.info.artifact_uri}/model", run.info.run_id)
    client.set_registered_model_alias("reg", "champ", version.version)
    client.transition_model_version_stage("reg", version.version, "Production")
    client.set_model_version_tag("reg", version.version, "q", "r")
    client.update_model_version("reg", version.version, "words")
    for address in ["models:/reg@champ", "models:/reg/Production", "models:/reg/1"]:
        assert os.listdir(mlflow.artifacts.download_artifacts(address)) == ["file.txt"], address
    [found] = client.search_model_versions("name = 'reg'")
    assert (found.description, found.tags, found.current_stage) == ("words", {"q": "r"}, "Production")
    assert [v.version for v in client.get_latest_versions("reg")] == [version.version]
    client.rename_registered_model("reg", "renamed")
    client.delete_registered_model_alias("renamed", "champ")
    client.delete_model_version("renamed", "1")
    client.delete_registered_model("renamed")


def prompts():
    # 3.x keeps the old names out of the way of its own.
    place = mlflow if mlflow.__version__.startswith("2") else mlflow.genai
    place.register_prompt(name="greet", template="Hello {{name}}")
    assert place.load_prompt("prompts:/greet/1").format(name="you") == "Hello you"


def autolog():
    import mlflow.sklearn
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import Ridge

    mlflow.sklearn.autolog(log_input_examples=True, registered_model_name="ridge")
    features, target = load_diabetes(return_X_y=True, as_frame=True)
    with mlflow.start_run() as run:
        model = Ridge(alpha=0.5).fit(features, target)
    mlflow.sklearn.autolog(disable=True)
    got = client.get_run(run.info.run_id)
    assert got.data.params["alpha"] == "0.5" and got.data.metrics["training_r2_score"] > 0.3
    assert len(got.inputs.dataset_inputs) == 1 and "mlflow.log-model.history" in got.data.tags
    for address in [f"runs:/{run.info.run_id}/model", "models:/ridge/1"]:
        assert list(mlflow.pyfunc.load_model(address).predict(features)) == list(model.predict(features)), address


def pyfunc_model():
    class Double(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return [2 * value for value in model_input]

    with mlflow.start_run():
        info = mlflow.pyfunc.log_model("double", python_model=Double(), pip_requirements=["mlflow"])
    assert mlflow.pyfunc.load_model(info.model_uri).predict([1]) == [2]


for name in sys.argv[1:]:
    globals()[name]()
    print(f"CHECK {name}", flush=True)
