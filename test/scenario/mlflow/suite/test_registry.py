"""Registered models and their versions: words, tags, aliases, stages, renaming, deleting."""

import time

import pytest
from wire import P, fresh, refused

R = f"{P}/registered-models"
V = f"{P}/model-versions"


@pytest.fixture
def version(client, model):
    """The name of a model with one version."""
    client.create_model_version(model, "s3://bucket/one")
    return model


def test_a_new_model_has_its_words(client):
    name = fresh("model")
    before = int(time.time() * 1000)
    client.create_registered_model(name, tags={"a": "b", "n": 5}, description="words")
    got = client.get_registered_model(name)
    assert (got.name, got.tags, got.description, got.aliases, got.latest_versions) == (name, {"a": "b", "n": "5"}, "words", {}, [])
    assert before - 1000 <= got.creation_timestamp <= got.last_updated_timestamp + 1


def test_names_are_unique(client, model):
    refused("RESOURCE_ALREADY_EXISTS", lambda: client.create_registered_model(model), f"Registered Model (name={model}) already exists.")


@pytest.mark.parametrize("name", ["plain", "with blank", "ünï", "日本", "a.b", "a-b_c", "<b>", "'\"", "%2e"])
def test_names(client, name):
    name = f"{fresh('m')}{name}"
    client.create_registered_model(name)
    assert client.get_registered_model(name).name == name
    assert client.create_model_version(name, "s3://b/k").name == name
    client.delete_registered_model(name)


@pytest.mark.parametrize(("name", "words"), [("", "name"), ("   ", "name"), ("a/b", "Names cannot contain '/' or ':'."), ("a:b", "Names cannot contain '/' or ':'."), (".", ""), ("..", "")])
def test_bad_names_are_refused(api, name, words):
    api.post(f"{R}/create", {"name": name}).refused("INVALID_PARAMETER_VALUE", words)


CALLS = [
    ("GET", "/registered-models/get", {}),
    ("POST", "/registered-models/rename", {"new_name": "x"}),
    ("PATCH", "/registered-models/update", {"description": "x"}),
    ("DELETE", "/registered-models/delete", {}),
    ("POST", "/registered-models/get-latest-versions", {}),
    ("POST", "/registered-models/set-tag", {"key": "k", "value": "v"}),
    ("DELETE", "/registered-models/delete-tag", {"key": "k"}),
    ("GET", "/registered-models/alias", {"alias": "a"}),
    ("POST", "/model-versions/create", {"source": "s3://b/k"}),
]


@pytest.mark.parametrize(("method", "path", "fields"), CALLS)
def test_an_unknown_model_is_told(api, method, path, fields):
    name = fresh("none")
    if "new_name" in fields:
        fields = {"new_name": fresh("new")}
    api.call(method, P + path, {"name": name, **fields}).refused("RESOURCE_DOES_NOT_EXIST", f"Registered Model with name={name} not found", status=404)


VERSION_CALLS = [
    ("GET", "/model-versions/get", {}),
    ("PATCH", "/model-versions/update", {"description": "x"}),
    ("DELETE", "/model-versions/delete", {}),
    ("POST", "/model-versions/transition-stage", {"stage": "Staging"}),
    ("GET", "/model-versions/get-download-uri", {}),
    ("POST", "/model-versions/set-tag", {"key": "k", "value": "v"}),
    ("DELETE", "/model-versions/delete-tag", {"key": "k"}),
    ("POST", "/registered-models/alias", {"alias": "a"}),
]


@pytest.mark.parametrize(("method", "path", "fields"), VERSION_CALLS)
def test_an_unknown_version_is_told(api, version, method, path, fields):
    answer = api.call(method, P + path, {"name": version, "version": "9", **fields})
    answer.refused("RESOURCE_DOES_NOT_EXIST", f"Model Version (name={version}, version=9) not found", status=404)


@pytest.mark.parametrize(("method", "path", "fields"), VERSION_CALLS)
@pytest.mark.parametrize("number", ["x", "1.5"])
def test_a_version_is_a_number(api, version, method, path, fields, number):
    answer = api.call(method, P + path, {"name": version, "version": number, **fields})
    answer.refused("INVALID_PARAMETER_VALUE", f"'{number}'")


def test_description(client, model):
    before = client.get_registered_model(model)
    time.sleep(0.002)
    client.update_registered_model(model, "new words")
    after = client.get_registered_model(model)
    assert after.description == "new words" and after.last_updated_timestamp > before.last_updated_timestamp


def test_tags(client, model):
    client.set_registered_model_tag(model, "a", "1")
    client.set_registered_model_tag(model, "a", 2)
    client.set_registered_model_tag(model, "empty", "")
    assert client.get_registered_model(model).tags == {"a": "2", "empty": ""}
    client.delete_registered_model_tag(model, "a")
    client.delete_registered_model_tag(model, "a")
    assert client.get_registered_model(model).tags == {"empty": ""}


@pytest.mark.parametrize("what", ["model", "version"])
def test_tags_hold_100000_characters(client, api, version, what):
    path, more = (f"{R}/set-tag", {}) if what == "model" else (f"{V}/set-tag", {"version": "1"})
    api.post(path, {"name": version, "key": "k", "value": "ü" * 100_000, **more}).ok()
    api.post(path, {"name": version, "key": "k", "value": "x" * 100_001, **more}).refused("INVALID_PARAMETER_VALUE", "exceeds the maximum length of 100000 characters")
    api.post(path, {"name": version, "key": "x" * 251, "value": "x", **more}).refused("INVALID_PARAMETER_VALUE", "exceeds the maximum length of 250 characters")
    api.post(path, {"name": version, "key": "a/../b", "value": "x", **more}).refused("INVALID_PARAMETER_VALUE", "This name would resolve to 'b'")


def test_rename_takes_versions_and_aliases_along(client, version):
    client.set_registered_model_alias(version, "best", "1")
    name = fresh("renamed")
    client.rename_registered_model(version, name)
    assert client.get_model_version(name, "1").source == "s3://bucket/one"
    assert client.get_model_version_by_alias(name, "best").name == name
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_registered_model(version))
    client.create_registered_model(version)


def test_rename_to_a_taken_name_is_refused(client, model, version):
    other = client.create_registered_model(fresh("other")).name
    refused("RESOURCE_ALREADY_EXISTS", lambda: client.rename_registered_model(model, other), f"Registered Model (name={other}) already exists")


@pytest.mark.parametrize("name", ["a/b", " ", ""])
def test_rename_to_a_bad_name_is_refused(api, model, name):
    api.post(f"{R}/rename", {"name": model, "new_name": name}).refused("INVALID_PARAMETER_VALUE")


def test_deletion_takes_the_versions_along(client, version):
    client.delete_registered_model(version)
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_registered_model(version))
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_model_version(version, "1"))
    client.create_registered_model(version)
    client.create_model_version(version, "s3://b/k")
    assert [str(v.version) for v in client.search_model_versions(f"name = '{version}'")] == ["1"]


def test_a_new_version_has_its_words(client, model, experiment, run):
    before = client.get_registered_model(model).last_updated_timestamp
    time.sleep(0.002)
    source = client.get_run(run).info.artifact_uri + "/model"
    client.create_model_version(model, source, run_id=run, tags={"a": "b"}, run_link="http://x/y", description="words")
    got = client.get_model_version(model, "1")
    assert (got.name, str(got.version), got.source, got.run_id, got.tags) == (model, "1", source, run, {"a": "b"})
    assert (got.description, got.run_link, got.status, got.current_stage) == ("words", "http://x/y", "READY", "None")
    assert client.get_registered_model(model).last_updated_timestamp > before
    assert [str(v.version) for v in client.get_registered_model(model).latest_versions] == ["1"]


def test_numbers_are_never_used_again(client, model):
    for _ in range(3):
        client.create_model_version(model, "s3://b/k")
    client.delete_model_version(model, "3")
    assert str(client.create_model_version(model, "s3://b/k").version) == "4"
    client.delete_model_version(model, "1")
    assert sorted(int(v.version) for v in client.search_model_versions(f"name = '{model}'")) == [2, 4]


def test_versions_are_changed_and_tagged(client, version):
    client.update_model_version(version, "1", "words")
    client.set_model_version_tag(version, "1", "a", "1")
    client.set_model_version_tag(version, "1", "a", 2)
    client.set_model_version_tag(version, "1", "b", "")
    got = client.get_model_version(version, "1")
    assert (got.description, got.tags) == ("words", {"a": "2", "b": ""})
    client.delete_model_version_tag(version, "1", "a")
    client.delete_model_version_tag(version, "1", "a")
    assert client.get_model_version(version, "1").tags == {"b": ""}


@pytest.mark.parametrize("alias", ["best", "a-b_c", "A1", "x" * 255, "vv1", "v", "latest-1"])
def test_aliases(client, version, alias):
    client.set_registered_model_alias(version, alias, "1")
    assert str(client.get_model_version_by_alias(version, alias).version) == "1"
    assert client.get_registered_model(version).aliases in ({alias: "1"}, {alias: 1})
    assert client.get_model_version(version, "1").aliases == [alias]


@pytest.mark.parametrize("alias", ["latest", "LATEST", "Latest", "v1", "V22", "a b", "a.b", "a/b", "a@b", "é!", "x" * 256])
def test_bad_aliases_are_refused(api, version, alias):
    api.post(f"{R}/alias", {"name": version, "alias": alias, "version": "1"}).refused("INVALID_PARAMETER_VALUE")


def test_an_alias_moves_and_goes(client, version):
    client.create_model_version(version, "s3://b/two")
    client.set_registered_model_alias(version, "best", "1")
    client.set_registered_model_alias(version, "best", "2")
    assert str(client.get_model_version_by_alias(version, "best").version) == "2"
    assert client.get_model_version(version, "1").aliases == []
    client.delete_registered_model_alias(version, "best")
    client.delete_registered_model_alias(version, "best")
    refused("INVALID_PARAMETER_VALUE", lambda: client.get_model_version_by_alias(version, "best"), "Registered model alias best not found.")


def test_aliases_of_a_deleted_version_go(client, version):
    client.set_registered_model_alias(version, "best", "1")
    client.delete_model_version(version, "1")
    assert client.get_registered_model(version).aliases == {}


@pytest.mark.parametrize("stage", ["Staging", "staging", "PRODUCTION", "Archived", "None", "none"])
def test_stages(client, version, stage):
    moved = client.transition_model_version_stage(version, "1", stage)
    assert moved.current_stage == stage.capitalize()
    assert client.get_model_version(version, "1").current_stage == stage.capitalize()


def test_a_stage_that_is_none_is_refused(client, version):
    words = "Invalid Model Version stage: zzz. Value must be one of None, Staging, Production, Archived."
    refused("INVALID_PARAMETER_VALUE", lambda: client.transition_model_version_stage(version, "1", "zzz"), words)
    refused("INVALID_PARAMETER_VALUE", lambda: client.get_latest_versions(version, ["zzz"]), "Invalid Model Version stage")


def test_others_of_the_stage_are_archived(client, version):
    for _ in range(2):
        client.create_model_version(version, "s3://b/k")
    client.transition_model_version_stage(version, "1", "Production")
    client.transition_model_version_stage(version, "2", "Staging")
    client.transition_model_version_stage(version, "3", "Production", archive_existing_versions=True)
    assert [client.get_model_version(version, str(n)).current_stage for n in (1, 2, 3)] == ["Archived", "Staging", "Production"]


@pytest.mark.parametrize("stage", ["None", "Archived"])
def test_only_live_stages_archive_others(api, version, stage):
    fields = {"name": version, "version": "1", "stage": stage, "archive_existing_versions": True}
    # MLflow answers 500, which clients ask again.
    api.post(f"{V}/transition-stage", fields).refused(("INTERNAL_ERROR", "INVALID_PARAMETER_VALUE"), "is not an Active stage", status=(400, 500))


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_latest_versions(api, client, version, method):
    for _ in range(3):
        client.create_model_version(version, "s3://b/k")
    client.transition_model_version_stage(version, "2", "Staging")
    client.transition_model_version_stage(version, "1", "Staging")

    def latest(*stages):
        answer = api.call(method, f"{R}/get-latest-versions", {"name": version, **({"stages": list(stages)} if stages else {})}).ok()
        return {v["current_stage"]: v["version"] for v in answer.get("model_versions", [])}

    assert latest() == {"None": "4", "Staging": "2"}
    assert latest("staging") == {"Staging": "2"}
    assert latest("Production") == {}
    assert {v.current_stage: str(v.version) for v in client.get_latest_versions(version)} == {"None": "4", "Staging": "2"}


def test_a_copy_keeps_its_lineage(client, model, run):
    source = client.get_run(run).info.artifact_uri + "/model"
    client.create_model_version(model, source, run_id=run, tags={"a": "b"}, description="words")
    copy_name = fresh("copy")
    copy = client.copy_model_version(f"models:/{model}/1", copy_name)
    got = client.get_model_version(copy_name, copy.version)
    assert (str(got.version), got.source, got.run_id) == ("1", f"models:/{model}/1", run)
    again = client.copy_model_version(f"models:/{copy_name}/1", fresh("copy"))
    assert client.get_model_version_download_uri(again.name, again.version) == source
    client.set_registered_model_alias(model, "best", "1")
    by_alias = client.copy_model_version(f"models:/{model}@best", copy_name)
    assert (str(by_alias.version), by_alias.source) == ("2", f"models:/{model}/1")


def test_the_download_uri_is_the_place_behind(client, model, experiment, run):
    place = client.get_run(run).info.artifact_uri
    client.create_model_version(model, f"runs:/{run}/sub", run_id=run)
    assert client.get_model_version_download_uri(model, "1") == f"runs:/{run}/sub"
    logged = client.create_logged_model(experiment, source_run_id=run)
    client.create_model_version(model, f"models:/{logged.model_id}", model_id=logged.model_id)
    assert client.get_model_version_download_uri(model, "2") == logged.artifact_location
    client.create_model_version(model, f"{place}/x", run_id=run)
    assert client.get_model_version_download_uri(model, "3") == f"{place}/x"


def test_a_version_of_a_logged_model_tells_of_it(client, model, experiment, run):
    logged = client.create_logged_model(experiment, name="lm", source_run_id=run, params={"p": "1"}).model_id
    client.log_metric(run, "acc", 0.5, model_id=logged)
    client.create_model_version(model, f"models:/{logged}", model_id=logged)
    assert client.get_logged_model(logged).tags["mlflow.modelVersions"] == f'[{{"name": "{model}", "version": 1}}]'


def sources(run, other, logged, place):
    return {
        "runs": ({"source": f"runs:/{run}/m", "run_id": run}, True),
        "runs of another": ({"source": f"runs:/{other}/m", "run_id": run}, False),
        "runs without id": ({"source": f"runs:/{run}/m"}, False),
        "own place": ({"source": f"{place}/m", "run_id": run}, True),
        "the place itself": ({"source": place, "run_id": run}, True),
        "place without id": ({"source": f"{place}/m"}, False),
        "place of another": ({"source": f"{place}/m", "run_id": other}, False),
        "beside the place": ({"source": f"{place}-x/m", "run_id": run}, False),
        "above the place": ({"source": f"{place}/../../x", "run_id": run}, False),
        "above, encoded": ({"source": f"{place}/%2e%2e/x", "run_id": run}, False),
        "above, encoded twice": ({"source": f"{place}/%252e%252e/x", "run_id": run}, False),
        "root": ({"source": "mlflow-artifacts:/", "run_id": run}, False),
        "other host": ({"source": f"mlflow-artifacts://host/{place[18:]}", "run_id": run}, False),
        "logged model": ({"source": f"models:/{logged}", "model_id": logged}, True),
        "logged model without id": ({"source": f"models:/{logged}"}, False),
        "another logged model": ({"source": f"models:/{logged}", "model_id": "m-" + "0" * 32}, False),
        "local": ({"source": "/etc/passwd"}, False),
        "local of a run": ({"source": "/etc", "run_id": run}, False),
        "file": ({"source": "file:///etc", "run_id": run}, False),
        "relative": ({"source": "etc/passwd"}, False),
        "climbing s3": ({"source": "s3://b/a/../../k"}, False),
        "climbing http": ({"source": "http://h/api/2.0/mlflow-artifacts/artifacts/../../x"}, False),
        "s3": ({"source": "s3://bucket/key"}, True),
        "s3 of a run": ({"source": "s3://bucket/key", "run_id": run}, True),
    }


@pytest.mark.parametrize("name", list(sources("", "", "", "")))
def test_sources(api, client, model, experiment, run, name):
    other = client.create_run(experiment).info.run_id
    logged = client.create_logged_model(experiment, source_run_id=run).model_id
    fields, is_fine = sources(run, other, logged, client.get_run(run).info.artifact_uri)[name]
    answer = api.post(f"{V}/create", {"name": model, **fields})
    if is_fine:
        assert answer.ok()["model_version"]["version"] == "1"
    else:
        answer.refused(("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST"), status=(400, 404))
        assert client.search_model_versions(f"name = '{model}'") == []
