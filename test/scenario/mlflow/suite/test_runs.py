"""Runs: making, changing, deleting; their tags and params."""

import time

import pytest
from mlflow.entities import Param, RunTag, ViewType
from wire import P, fresh, refused


def test_a_new_run_is_active_and_running(client, experiment):
    before = int(time.time() * 1000)
    run = client.create_run(experiment, tags={"mlflow.user": "ann"})
    info = run.info
    assert (info.status, info.lifecycle_stage, info.experiment_id, info.user_id) == ("RUNNING", "active", experiment, "ann")
    assert before - 1000 <= info.start_time and info.end_time is None
    assert len(info.run_id) == 32
    assert info.artifact_uri == f"mlflow-artifacts:/{experiment}/{info.run_id}/artifacts"
    assert client.get_run(info.run_id).info.run_id == info.run_id


def test_all_that_is_given_is_kept(client, experiment):
    tags = {"mlflow.user": "ann", "mlflow.source.name": "main.py", "mlflow.source.type": "LOCAL", "mlflow.parentRunId": "7", "my": "tag"}
    made = client.create_run(experiment, start_time=456, run_name="my name", tags=tags)
    for run in [made, client.get_run(made.info.run_id)]:
        assert (run.info.start_time, run.info.run_name, run.info.user_id) == (456, "my name", "ann")
        assert run.data.tags == {**tags, "mlflow.runName": "my name"}
    assert [r.info.run_id for r in client.search_runs([experiment])] == [made.info.run_id]


def test_a_name_is_made_where_none_is_given(client, experiment):
    run = client.create_run(experiment)
    assert run.info.run_name.count("-") == 2
    assert run.data.tags["mlflow.runName"] == run.info.run_name


def test_the_name_may_be_a_tag(client, experiment):
    run = client.create_run(experiment, tags={"mlflow.runName": "by tag"})
    assert run.info.run_name == "by tag"


def test_two_different_names_are_refused(api, experiment):
    fields = {"experiment_id": experiment, "run_name": "a", "tags": [{"key": "mlflow.runName", "value": "b"}]}
    api.post(f"{P}/runs/create", fields).refused(
        "INVALID_PARAMETER_VALUE", "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values"
    )


def test_a_run_of_an_unknown_experiment_is_refused(client):
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.create_run("987654321"), "No Experiment with id=987654321 exists")


def test_a_run_of_a_deleted_experiment_is_refused(client, experiment):
    client.delete_experiment(experiment)
    words = f"The experiment {experiment} must be in the 'active' state. Current state is deleted."
    refused("INVALID_PARAMETER_VALUE", lambda: client.create_run(experiment), words)


def test_no_experiment_is_the_default_one_or_refused(api):
    # MLflow's database says 400 itself; its client always names one.
    answer = api.post(f"{P}/runs/create", {"run_name": "x"})
    assert answer.status == 400 or answer.ok()["run"]["info"]["experiment_id"] == "0"


@pytest.mark.parametrize("id", ["../etc", "a b", "x" * 257, "-x", "a/b", "%2e%2e"])
def test_what_is_no_run_id_is_refused(api, id):
    assert api.get(f"{P}/runs/get", {"run_id": id}).status in (400, 404)


def test_an_unknown_run_is_told(client):
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_run("f" * 32), f"Run with id={'f' * 32} not found")


WRITES = [
    ("update", {"status": "FINISHED"}),
    ("delete", {}),
    ("restore", {}),
    ("log-metric", {"key": "k", "value": 1, "timestamp": 1}),
    ("log-parameter", {"key": "k", "value": "v"}),
    ("set-tag", {"key": "k", "value": "v"}),
    ("delete-tag", {"key": "k"}),
    ("log-batch", {"params": [{"key": "k", "value": "v"}]}),
    ("log-inputs", {"datasets": []}),
]


@pytest.mark.parametrize(("call", "fields"), WRITES)
def test_writes_to_an_unknown_run_are_refused(api, call, fields):
    answer = api.post(f"{P}/runs/{call}", {"run_id": "f" * 32, **fields})
    answer.refused("RESOURCE_DOES_NOT_EXIST", f"Run with id={'f' * 32} not found", status=404)


@pytest.mark.parametrize(("call", "fields"), [w for w in WRITES if w[0] not in ("delete", "restore", "log-inputs")])
def test_writes_to_a_deleted_run_are_refused(api, client, run, call, fields):
    client.delete_run(run)
    answer = api.post(f"{P}/runs/{call}", {"run_id": run, **fields})
    answer.refused("INVALID_PARAMETER_VALUE", f"The run {run} must be in the 'active' state. Current state is deleted.")


def test_a_deleted_run_is_read_and_restored(client, run):
    client.log_metric(run, "m", 1)
    client.log_param(run, "p", "1")
    client.delete_run(run)
    got = client.get_run(run)
    assert (got.info.lifecycle_stage, got.data.metrics, got.data.params) == ("deleted", {"m": 1}, {"p": "1"})
    client.restore_run(run)
    assert client.get_run(run).info.lifecycle_stage == "active"
    client.set_tag(run, "t", "1")


def test_deletion_hides_from_search(client, experiment, run):
    client.delete_run(run)
    assert client.search_runs([experiment]) == []
    for view, count in [(ViewType.ACTIVE_ONLY, 0), (ViewType.DELETED_ONLY, 1), (ViewType.ALL, 1)]:
        assert len(client.search_runs([experiment], run_view_type=view)) == count


@pytest.mark.parametrize("status", ["FINISHED", "FAILED", "KILLED", "SCHEDULED", "RUNNING"])
def test_statuses(client, run, status):
    client.update_run(run, status=status)
    assert client.get_run(run).info.status == status


def test_the_end(client, run):
    client.set_terminated(run, "FAILED", end_time=123456)
    info = client.get_run(run).info
    assert (info.status, info.end_time) == ("FAILED", 123456)
    client.set_terminated(run)
    info = client.get_run(run).info
    assert info.status == "FINISHED" and info.end_time > 123456


def test_a_status_that_is_none_is_refused(api, run):
    # MLflow's protobuf leaves an unknown name of an enum out, and then changes nothing.
    answer = api.post(f"{P}/runs/update", {"run_id": run, "status": "NOPE"})
    assert answer.status in (200, 400)
    assert api.get(f"{P}/runs/get", {"run_id": run}).ok()["run"]["info"]["status"] == "RUNNING"


def test_unset_fields_stay(client, api, run):
    client.update_run(run, name="kept")
    answer = api.post(f"{P}/runs/update", {"run_id": run, "end_time": 99}).ok()["run_info"]
    assert (answer["run_name"], answer["end_time"], answer["status"]) == ("kept", 99, "RUNNING")


def test_rename_goes_both_ways(client, run):
    client.update_run(run, name="by update")
    assert client.get_run(run).data.tags["mlflow.runName"] == "by update"
    client.set_tag(run, "mlflow.runName", "by tag")
    assert client.get_run(run).info.run_name == "by tag"


@pytest.mark.parametrize("name", ["blank s", "ünï", "日本", "a/b", "<script>", "'\"`", "x" * 250])
def test_names_of_all_kinds(client, experiment, name):
    run = client.create_run(experiment, run_name=name)
    assert client.get_run(run.info.run_id).info.run_name == name


GOOD_KEYS = ["a", "a.b", "a/b", "a b", "a-b", "a_b", "a:b", "é", "日本", "0", "x" * 250, "a/b/c.d e", "a..b"]
BAD_KEYS = ["", "/a", "a/", "../a", "./a", "a//b", ".", "..", "a/../b", "a/.", "a#b", "a\\b", "a?b", "a&b", "a%b", "a\nb", "a,b", "a'b", 'a"b', "(a)", "x" * 251]


@pytest.mark.parametrize("key", GOOD_KEYS)
def test_keys(client, run, key):
    client.log_param(run, key, "1")
    client.set_tag(run, key, "2")
    client.log_metric(run, key, 3)
    data = client.get_run(run).data
    assert (data.params[key], data.tags[key], data.metrics[key]) == ("1", "2", 3)


@pytest.mark.parametrize("key", BAD_KEYS)
@pytest.mark.parametrize(
    ("call", "more"),
    [("log-parameter", {"value": "v"}), ("set-tag", {"value": "v"}), ("log-metric", {"value": 1, "timestamp": 1})],
)
def test_bad_keys_are_refused(api, shared_run, call, more, key):
    api.post(f"{P}/runs/{call}", {"run_id": shared_run, "key": key, **more}).refused("INVALID_PARAMETER_VALUE")


def test_what_is_wrong_with_a_key_is_told(api, shared_run):
    fields = {"run_id": shared_run, "value": "v"}
    api.post(f"{P}/runs/set-tag", {**fields, "key": "a#b"}).refused("INVALID_PARAMETER_VALUE", "Names may only contain alphanumerics")
    api.post(f"{P}/runs/set-tag", {**fields, "key": "a/../b"}).refused("INVALID_PARAMETER_VALUE", "This name would resolve to 'b'")
    api.post(f"{P}/runs/set-tag", {**fields, "key": "x" * 251}).refused("INVALID_PARAMETER_VALUE", "exceeds the maximum length of 250 characters")


VALUES = ["", " ", "ü" * 10, "line\nline", "日本", "null", "<b>", "'\"`;--", "\t", "a" * 6000, "🚂"]


@pytest.mark.parametrize("value", VALUES)
def test_values_of_params_and_tags(client, run, value):
    client.log_param(run, "p", value)
    client.set_tag(run, "t", value)
    data = client.get_run(run).data
    assert (data.params["p"], data.tags["t"]) == (value, value)


@pytest.mark.parametrize("letter", ["x", "ü", "日"])
def test_long_values_are_cut(client, run, letter):
    client.log_param(run, "p", letter * 6001)
    client.set_tag(run, "t", letter * 8001)
    data = client.get_run(run).data
    assert (data.params["p"], data.tags["t"]) == (letter * 6000, letter * 8000)


def test_a_param_is_logged_once(client, run):
    client.log_param(run, "p", "1")
    client.log_param(run, "p", "1")
    words = f"Changing param values is not allowed. Param with key='p' was already logged with value='1' for run ID='{run}'. Attempted logging new value '2'."
    refused("INVALID_PARAMETER_VALUE", lambda: client.log_param(run, "p", "2"), words)
    assert client.get_run(run).data.params == {"p": "1"}


def test_params_differ_by_case(client, run):
    client.log_param(run, "p", "1")
    client.log_param(run, "P", "2")
    assert client.get_run(run).data.params == {"p": "1", "P": "2"}


def test_tags_are_overwritten_and_deleted(client, run):
    client.set_tag(run, "t", "1")
    client.set_tag(run, "t", 2)
    assert client.get_run(run).data.tags["t"] == "2"
    client.delete_tag(run, "t")
    assert "t" not in client.get_run(run).data.tags
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.delete_tag(run, "t"), f"No tag with name: t in run with id {run}")


def test_a_batch_takes_all_three(client, run):
    client.log_batch(run, params=[Param("p", "1"), Param("q", "2")], tags=[RunTag("t", "3"), RunTag("t", "4")])
    data = client.get_run(run).data
    assert data.params == {"p": "1", "q": "2"} and data.tags["t"] == "4"
    client.log_batch(run, params=[Param("p", "1")])
    client.log_batch(run)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"params": [{"key": "d", "value": "1"}, {"key": "d", "value": "2"}]}, "Duplicate parameter keys have been submitted: ['d']. Please ensure the request contains only one param value per param key."),
        ({"params": [{"key": "d", "value": "1"}, {"key": "d", "value": "1"}]}, "Duplicate parameter keys have been submitted: ['d']"),
        ({"params": [{"key": f"p{i}", "value": "1"} for i in range(101)]}, "A batch logging request can contain at most 100 params. Got 101 params. Please split up params across multiple requests and try again."),
        ({"tags": [{"key": f"t{i}", "value": "1"} for i in range(101)]}, "A batch logging request can contain at most 100 tags. Got 101 tags."),
        ({"metrics": [{"key": "m", "value": i, "timestamp": i} for i in range(1001)]}, "A batch logging request can contain at most 1000 metrics. Got 1001 metrics."),
        ({"metrics": [{"key": "m", "value": i, "timestamp": i} for i in range(950)], "params": [{"key": f"p{i}", "value": "1"} for i in range(51)]}, "A batch logging request can contain at most 1000 metrics, params, and tags. Got 1001 metrics, params, and tags."),
        ({"metrics": [{"key": "m", "value": 1, "timestamp": -1}]}, "Timestamp must be a nonnegative long (64-bit integer)"),
        ({"metrics": [{"key": "m", "value": 1, "timestamp": 1}, {"key": "../m", "value": 1, "timestamp": 1}]}, "metrics[1].name"),
        ({"params": [{"key": "a//b", "value": "1"}]}, "params[0].key"),
        ({"tags": [{"key": "ok", "value": "1"}, {"key": "x" * 251, "value": "1"}]}, "'tags[1].key' exceeds the maximum length of 250 characters"),
    ],
)
def test_a_bad_batch_is_refused_whole(api, client, run, fields, words):
    api.post(f"{P}/runs/log-batch", {"run_id": run, **fields}).refused("INVALID_PARAMETER_VALUE", words)
    data = client.get_run(run).data
    assert (data.params, data.metrics) == ({}, {})


def test_a_changed_param_in_a_batch_is_refused(client, run):
    client.log_param(run, "p", "1")
    refused("INVALID_PARAMETER_VALUE", lambda: client.log_batch(run, params=[Param("q", "1"), Param("p", "2")]), "Changing param values is not allowed.")
    assert client.get_run(run).data.params["p"] == "1"


@pytest.mark.parametrize(("params", "tags"), [(100, 0), (0, 100), (100, 100)])
def test_a_batch_at_its_limits(client, run, params, tags):
    client.log_batch(run, params=[Param(f"p{i}", str(i)) for i in range(params)], tags=[RunTag(f"t{i}", str(i)) for i in range(tags)])
    data = client.get_run(run).data
    assert len(data.params) == params and sum(key.startswith("t") for key in data.tags) == tags


def test_a_batch_of_more_than_a_million_bytes_is_refused(api, run):
    fields = {"run_id": run, "tags": [{"key": f"t{i}", "value": "x" * 11_000} for i in range(100)]}
    answer = api.post(f"{P}/runs/log-batch", fields)
    # The limit is documented; MLflow 3.17.2 does not hold it behind its own web server.
    if answer.status != 200:
        answer.refused("INVALID_PARAMETER_VALUE", "Batched logging API requests must be at most 1000000 bytes")


def test_children_name_their_parent(client, experiment, run):
    child = client.create_run(experiment, tags={"mlflow.parentRunId": run})
    assert client.get_parent_run(child.info.run_id).info.run_id == run
    assert client.get_parent_run(run) is None
    found = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{run}'")
    assert [r.info.run_id for r in found] == [child.info.run_id]


@pytest.mark.parametrize("text", ["{}", '{"artifact_path": "a"}', '{"artifact_path": "a", "flavors": {}, "utc_time_created": "t"}'])
def test_a_model_record_needs_its_fields(api, run, text):
    api.post(f"{P}/runs/log-model", {"run_id": run, "model_json": text}).refused("INVALID_PARAMETER_VALUE", "Model json is missing mandatory fields:")


@pytest.mark.parametrize("text", ["x", "[]", "5", ""])
def test_a_model_record_is_a_json_object(api, run, text):
    # MLflow fails on JSON of another kind with 500.
    assert api.post(f"{P}/runs/log-model", {"run_id": run, "model_json": text}).status in (400, 500)


def test_model_records_are_appended_to_a_tag(api, client, run):
    import json

    for path in ["a", "b"]:
        record = {"artifact_path": path, "flavors": {}, "utc_time_created": "2020-01-01", "run_id": run}
        api.post(f"{P}/runs/log-model", {"run_id": run, "model_json": json.dumps(record)}).ok()
    history = json.loads(client.get_run(run).data.tags["mlflow.log-model.history"])
    assert [entry["artifact_path"] for entry in history] == ["a", "b"]


def test_many_names_stay_distinct(client, experiment):
    names = {client.create_run(experiment, run_name=fresh("n")).info.run_name for _ in range(5)}
    assert len(names) == 5
