"""Content types, fields that are absent or of a wrong type, and the shape of answers."""

import pytest
from wire import A, P, fresh

REQUIRED = [
    ("POST", "/experiments/create", {}, "name"),
    ("GET", "/experiments/get", {}, "experiment_id"),
    ("GET", "/experiments/get-by-name", {}, "experiment_name"),
    ("POST", "/experiments/delete", {}, "experiment_id"),
    ("POST", "/experiments/restore", {}, "experiment_id"),
    ("POST", "/experiments/update", {"new_name": "x"}, "experiment_id"),
    ("POST", "/experiments/set-experiment-tag", {"key": "k", "value": "v"}, "experiment_id"),
    ("POST", "/experiments/set-experiment-tag", {"experiment_id": "0", "value": "v"}, "key"),
    ("POST", "/experiments/delete-experiment-tag", {"key": "k"}, "experiment_id"),
    ("POST", "/experiments/delete-experiment-tag", {"experiment_id": "0"}, "key"),
    ("GET", "/runs/get", {}, "run_id"),
    ("POST", "/runs/update", {"run_name": "x"}, "run_id"),
    ("POST", "/runs/delete", {}, "run_id"),
    ("POST", "/runs/restore", {}, "run_id"),
    ("POST", "/runs/log-metric", {"key": "k", "value": 1, "timestamp": 1}, "run_id"),
    ("POST", "/runs/log-metric", {"run_id": "RUN", "value": 1, "timestamp": 1}, "key"),
    ("POST", "/runs/log-metric", {"run_id": "RUN", "key": "k", "timestamp": 1}, "value"),
    ("POST", "/runs/log-metric", {"run_id": "RUN", "key": "k", "value": 1}, "timestamp"),
    ("POST", "/runs/log-metric", {"run_id": None, "key": "k", "value": 1, "timestamp": 1}, "run_id"),
    ("POST", "/runs/log-metric", {"run_id": "RUN", "key": None, "value": 1, "timestamp": 1}, "key"),
    ("POST", "/runs/log-parameter", {"key": "k", "value": "v"}, "run_id"),
    ("POST", "/runs/log-parameter", {"run_id": "RUN", "value": "v"}, "key"),
    ("POST", "/runs/set-tag", {"key": "k", "value": "v"}, "run_id"),
    ("POST", "/runs/set-tag", {"run_id": "RUN", "value": "v"}, "key"),
    ("POST", "/runs/delete-tag", {"key": "k"}, "run_id"),
    ("POST", "/runs/delete-tag", {"run_id": "RUN"}, "key"),
    ("POST", "/runs/log-batch", {}, "run_id"),
    ("POST", "/runs/log-batch", {"run_id": "RUN", "metrics": [{"value": 1, "timestamp": 1}]}, "metrics[0].key"),
    ("POST", "/runs/log-batch", {"run_id": "RUN", "metrics": [{"key": "k", "timestamp": 1}]}, "metrics[0].value"),
    ("POST", "/runs/log-batch", {"run_id": "RUN", "metrics": [{"key": "k", "value": 1}]}, "metrics[0].timestamp"),
    ("POST", "/runs/log-model", {"model_json": "{}"}, "run_id"),
    ("POST", "/runs/log-model", {"run_id": "RUN"}, "model_json"),
    ("POST", "/runs/log-inputs", {"datasets": []}, "run_id"),
    ("POST", "/runs/outputs", {"models": []}, "run_id"),
    ("GET", "/metrics/get-history", {"metric_key": "m"}, "run_id"),
    ("GET", "/metrics/get-history", {"run_id": "RUN"}, "metric_key"),
    ("GET", "/metrics/get-history-bulk-interval", {"metric_key": "m"}, "run_ids"),
    ("GET", "/metrics/get-history-bulk-interval", {"run_ids": "RUN"}, "metric_key"),
    ("GET", "/artifacts/list", {}, "run_id"),
    ("POST", "/logged-models", {"name": "m"}, "experiment_id"),
    ("POST", "/registered-models/create", {}, "name"),
    ("GET", "/registered-models/get", {}, "name"),
    ("POST", "/registered-models/rename", {"new_name": "x"}, "name"),
    ("POST", "/registered-models/rename", {"name": "x"}, "new_name"),
    ("PATCH", "/registered-models/update", {"description": "x"}, "name"),
    ("DELETE", "/registered-models/delete", {}, "name"),
    ("POST", "/registered-models/get-latest-versions", {}, "name"),
    ("POST", "/registered-models/set-tag", {"key": "k", "value": "v"}, "name"),
    ("POST", "/registered-models/set-tag", {"name": "x", "value": "v"}, "key"),
    ("DELETE", "/registered-models/delete-tag", {"key": "k"}, "name"),
    ("DELETE", "/registered-models/delete-tag", {"name": "x"}, "key"),
    ("POST", "/registered-models/alias", {"alias": "a", "version": "1"}, "name"),
    ("POST", "/registered-models/alias", {"name": "x", "version": "1"}, "alias"),
    ("POST", "/registered-models/alias", {"name": "x", "alias": "a"}, "version"),
    ("DELETE", "/registered-models/alias", {"alias": "a"}, "name"),
    ("DELETE", "/registered-models/alias", {"name": "x"}, "alias"),
    ("GET", "/registered-models/alias", {"alias": "a"}, "name"),
    ("GET", "/registered-models/alias", {"name": "x"}, "alias"),
    ("POST", "/model-versions/create", {"source": "s3://b/k"}, "name"),
    ("POST", "/model-versions/create", {"name": "x"}, "source"),
    ("GET", "/model-versions/get", {"version": "1"}, "name"),
    ("GET", "/model-versions/get", {"name": "x"}, "version"),
    ("PATCH", "/model-versions/update", {"version": "1"}, "name"),
    ("PATCH", "/model-versions/update", {"name": "x"}, "version"),
    ("DELETE", "/model-versions/delete", {"version": "1"}, "name"),
    ("DELETE", "/model-versions/delete", {"name": "x"}, "version"),
    ("POST", "/model-versions/transition-stage", {"version": "1", "stage": "Staging"}, "name"),
    ("POST", "/model-versions/transition-stage", {"name": "x", "stage": "Staging"}, "version"),
    ("POST", "/model-versions/transition-stage", {"name": "x", "version": "1"}, "stage"),
    ("POST", "/model-versions/set-tag", {"version": "1", "key": "k"}, "name"),
    ("POST", "/model-versions/set-tag", {"name": "x", "key": "k"}, "version"),
    ("POST", "/model-versions/set-tag", {"name": "x", "version": "1"}, "key"),
    ("DELETE", "/model-versions/delete-tag", {"version": "1", "key": "k"}, "name"),
    ("DELETE", "/model-versions/delete-tag", {"name": "x", "key": "k"}, "version"),
    ("DELETE", "/model-versions/delete-tag", {"name": "x", "version": "1"}, "key"),
]


def filled(fields, run):
    return {key: run if value == "RUN" else value for key, value in fields.items()}


@pytest.mark.parametrize(("method", "path", "fields", "name"), REQUIRED)
def test_refuses_a_call_without(api, shared_run, method, path, fields, name):
    answer = api.call(method, P + path, filled(fields, shared_run))
    answer.refused(
        "INVALID_PARAMETER_VALUE",
        f"Missing value for required parameter '{name}'. See the API docs for more information about request parameters.",
    )


WRONG = [
    ("POST", "/experiments/create", {"name": 123}, "123", "name", "int"),
    ("POST", "/experiments/create", {"name": ["x"]}, '["x"]', "name", "list"),
    ("POST", "/experiments/create", {"name": "x", "artifact_location": 9.5}, "9.5", "artifact_location", "float"),
    ("POST", "/experiments/create", {"name": "x", "artifact_location": 9.0}, "9.0", "artifact_location", "float"),
    ("POST", "/experiments/create", {"name": "x", "tags": "5"}, '"5"', "tags", "str"),
    ("POST", "/experiments/update", {"experiment_id": 31, "new_name": "x"}, "31", "experiment_id", "int"),
    ("POST", "/experiments/update", {"experiment_id": "0", "new_name": 7}, "7", "new_name", "int"),
    ("POST", "/experiments/set-experiment-tag", {"experiment_id": "0", "key": 1, "value": "v"}, "1", "key", "int"),
    ("POST", "/experiments/set-experiment-tag", {"experiment_id": "0", "key": "k", "value": 1}, "1", "value", "int"),
    ("POST", "/experiments/search", {"max_results": "abc"}, '"abc"', "max_results", "str"),
    ("POST", "/experiments/search", {"max_results": 5, "order_by": "name"}, '"name"', "order_by", "str"),
    ("POST", "/experiments/search", {"max_results": 5, "filter": 5}, "5", "filter", "int"),
    ("POST", "/runs/create", {"experiment_id": 0}, "0", "experiment_id", "int"),
    ("POST", "/runs/create", {"experiment_id": "0", "start_time": "abc"}, '"abc"', "start_time", "str"),
    ("POST", "/runs/create", {"experiment_id": "0", "run_name": 3}, "3", "run_name", "int"),
    ("POST", "/runs/update", {"run_id": 31}, "31", "run_id", "int"),
    ("POST", "/runs/update", {"run_id": "RUN", "end_time": "soon"}, '"soon"', "end_time", "str"),
    ("POST", "/runs/update", {"run_id": "RUN", "run_name": 1}, "1", "run_name", "int"),
    ("POST", "/runs/delete", {"run_id": 1}, "1", "run_id", "int"),
    ("POST", "/runs/log-metric", {"run_id": 31, "key": "k", "value": 41, "timestamp": 59}, "31", "run_id", "int"),
    ("POST", "/runs/log-metric", {"run_id": "RUN", "key": 31, "value": 41, "timestamp": 59}, "31", "key", "int"),
    ("POST", "/runs/log-metric", {"run_id": "RUN", "key": "k", "value": 1, "timestamp": 5, "step": "foo"}, '"foo"', "step", "str"),
    ("POST", "/runs/log-metric", {"run_id": "RUN", "key": "k", "value": 1, "timestamp": "foo"}, '"foo"', "timestamp", "str"),
    ("POST", "/runs/log-parameter", {"run_id": 31, "key": "k", "value": "v"}, "31", "run_id", "int"),
    ("POST", "/runs/log-parameter", {"run_id": "RUN", "key": 31, "value": "v"}, "31", "key", "int"),
    ("POST", "/runs/log-parameter", {"run_id": "RUN", "key": "k", "value": 5}, "5", "value", "int"),
    ("POST", "/runs/set-tag", {"run_id": 31, "key": "k", "value": "v"}, "31", "run_id", "int"),
    ("POST", "/runs/set-tag", {"run_id": "RUN", "key": "k", "value": 12.5}, "12.5", "value", "float"),
    ("POST", "/runs/log-batch", {"run_id": 31}, "31", "run_id", "int"),
    ("POST", "/runs/log-batch", {"run_id": "RUN", "metrics": "foo"}, '"foo"', "metrics", "str"),
    ("POST", "/runs/log-batch", {"run_id": "RUN", "params": "foo"}, '"foo"', "params", "str"),
    ("POST", "/runs/log-batch", {"run_id": "RUN", "tags": 7}, "7", "tags", "int"),
    ("POST", "/runs/search", {"experiment_ids": "0"}, '"0"', "experiment_ids", "str"),
    ("POST", "/runs/search", {"experiment_ids": ["0"], "filter": 1}, "1", "filter", "int"),
    ("POST", "/runs/search", {"experiment_ids": ["0"], "max_results": "many"}, '"many"', "max_results", "str"),
    ("POST", "/runs/search", {"experiment_ids": ["0"], "order_by": "x"}, '"x"', "order_by", "str"),
    ("POST", "/registered-models/create", {"name": 5}, "5", "name", "int"),
    ("POST", "/registered-models/create", {"name": "x", "tags": "t"}, '"t"', "tags", "str"),
    ("POST", "/registered-models/create", {"name": "x", "description": 5}, "5", "description", "int"),
    ("POST", "/registered-models/set-tag", {"name": "x", "key": 1, "value": "v"}, "1", "key", "int"),
    ("POST", "/model-versions/create", {"name": "x", "source": 5}, "5", "source", "int"),
    ("POST", "/model-versions/create", {"name": "x", "source": "s3://b", "run_id": 5}, "5", "run_id", "int"),
    ("POST", "/model-versions/create", {"name": "x", "source": "s3://b", "tags": "t"}, '"t"', "tags", "str"),
]


@pytest.mark.parametrize(("method", "path", "fields", "value", "name", "kind"), WRONG)
def test_refuses_a_wrong_type(api, shared_run, method, path, fields, value, name, kind):
    answer = api.call(method, P + path, filled(fields, shared_run))
    answer.refused(
        "INVALID_PARAMETER_VALUE",
        f"Invalid value {value} for parameter '{name}' supplied: ",
        f" Hint: Value was of type '{kind}'. See the API docs for more information about request parameters.",
    )


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/runs/create", {"experiment_id": "0", "tags": "x"}),
        ("/runs/log-metric", {"run_id": "RUN", "key": "k", "value": [1], "timestamp": 5}),
        ("/runs/log-metric", {"run_id": "RUN", "key": "k", "value": {}, "timestamp": 5}),
    ],
)
def test_never_takes_nonsense_for_a_value(api, shared_run, path, fields):
    # MLflow takes a text for no tags, and answers 500 to a list for a number.
    answer = api.post(P + path, filled(fields, shared_run))
    assert answer.status in ((200, 400) if path == "/runs/create" else (400, 500)), answer.text


@pytest.mark.parametrize("fields", [{"version": "1"}, {"name": "x"}])
def test_refuses_a_download_uri_of_nothing(api, fields):
    api.get(f"{P}/model-versions/get-download-uri", fields).refused("INVALID_PARAMETER_VALUE")


TWINS = [
    ("GET", "/experiments/get", {"experiment_id": "0"}),
    ("GET", "/experiments/get-by-name", {"experiment_name": "Default"}),
    ("POST", "/experiments/search", {"max_results": 1}),
    ("POST", "/runs/search", {"experiment_ids": ["0"], "max_results": 1}),
    ("GET", "/runs/get", {"run_id": "RUN"}),
    ("GET", "/metrics/get-history", {"run_id": "RUN", "metric_key": "none"}),
    ("GET", "/metrics/get-history-bulk-interval", {"run_ids": "RUN", "metric_key": "none"}),
    ("GET", "/artifacts/list", {"run_id": "RUN"}),
    ("GET", "/registered-models/search", {"max_results": 1}),
    ("GET", "/model-versions/search", {"max_results": 1}),
    ("POST", "/logged-models/search", {"experiment_ids": ["0"], "max_results": 1}),
]


@pytest.mark.parametrize(("method", "path", "fields"), TWINS)
def test_answers_alike_below_ajax_api(api, shared_run, method, path, fields):
    fields = filled(fields, shared_run)
    plain = api.call(method, P + path, fields).ok()
    assert api.call(method, "/ajax-api/2.0/mlflow" + path, fields).ok() == plain


def test_health(api):
    answer = api.get("/health")
    assert (answer.status, answer.text) == (200, "OK")


def test_version(api):
    answer = api.get("/version")
    assert (answer.status, answer.text) == (200, "3.17.2")


@pytest.mark.parametrize("prefix", ["/api", "/ajax-api"])
def test_server_info_tells_what_clients_ask(api, prefix):
    info = api.get(f"{prefix}/3.0/mlflow/server-info").ok()
    assert info["store_type"] == "SqlStore"
    assert info["workspaces_enabled"] is False
    assert isinstance(info["multipart_uploads_enabled"], bool)
    assert info["multipart_downloads_enabled"] is False


@pytest.mark.parametrize("path", ["/nothing", "/runs/nothing", "/experiments"])
def test_an_unknown_path_is_404(api, path):
    assert api.get(P + path).status == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/experiments/get"), ("GET", "/runs/log-metric"), ("GET", "/experiments/create"), ("PUT", "/runs/get")],
)
def test_another_method_is_405(api, method, path):
    assert api.send(method, P + path).status == 405


def test_a_body_needs_its_content_type(api):
    answer = api.send("POST", f"{P}/experiments/create", data='{"name": "x"}'.encode())
    answer.refused("INVALID_PARAMETER_VALUE", "Bad Request. Content-Type header is missing.")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml"])
def test_a_body_of_another_content_type_is_refused(api, kind):
    answer = api.send("POST", f"{P}/experiments/create", data="{}", headers={"Content-Type": kind})
    answer.refused("INVALID_PARAMETER_VALUE", "Bad Request. Content-Type must be one of")


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8"])
def test_json_has_its_content_type_with_or_without_charset(api, kind):
    name = fresh("kind")
    body = f'{{"name": "{name}"}}'
    assert "experiment_id" in api.send("POST", f"{P}/experiments/create", data=body, headers={"Content-Type": kind}).ok()


def test_unknown_fields_are_ignored(api):
    assert api.post(f"{P}/experiments/create", {"name": fresh("more"), "no_such_field": {"a": [1]}}).ok()["experiment_id"]


def test_times_and_steps_are_json_numbers(api, run):
    api.post(f"{P}/runs/log-metric", {"run_id": run, "key": "m", "value": 1.5, "timestamp": 1700000000123, "step": 7}).ok()
    info = api.get(f"{P}/runs/get", {"run_id": run}).ok()["run"]["info"]
    assert isinstance(info["start_time"], int)
    history = api.get(f"{P}/metrics/get-history", {"run_id": run, "metric_key": "m"}).ok()
    assert history == {"metrics": [{"key": "m", "value": 1.5, "timestamp": 1700000000123, "step": 7}]}


@pytest.mark.parametrize(("step", "time"), [("7", "1700000000000"), (7, "5"), ("-3", 5)])
def test_numbers_of_64_bits_may_be_sent_as_digits(api, run, step, time):
    api.post(f"{P}/runs/log-metric", {"run_id": run, "key": "m", "value": "2.5", "timestamp": time, "step": step}).ok()
    [point] = api.get(f"{P}/metrics/get-history", {"run_id": run, "metric_key": "m"}).ok()["metrics"]
    assert point == {"key": "m", "value": 2.5, "timestamp": int(time), "step": int(step)}


@pytest.mark.parametrize(("sent", "kept"), [(3, "FINISHED"), (4, "FAILED"), (5, "KILLED"), ("2", "SCHEDULED"), ("FAILED", "FAILED")])
def test_statuses_are_sent_by_name_or_number(api, run, sent, kept):
    assert api.post(f"{P}/runs/update", {"run_id": run, "status": sent}).ok()["run_info"]["status"] == kept


def test_what_is_empty_is_left_out(api, run):
    answer = api.get(f"{P}/runs/get", {"run_id": run}).ok()["run"]
    assert "end_time" not in answer["info"]
    assert "metrics" not in answer["data"] and "params" not in answer["data"]
    assert api.get(f"{P}/metrics/get-history", {"run_id": run, "metric_key": "none"}).ok() == {}
    assert api.post(f"{P}/runs/search", {"experiment_ids": []}).ok() == {}
    assert api.get(f"{A}/artifacts", {"path": fresh("none")}).ok() == {}


def test_both_names_of_a_run_id_are_told_and_taken(api, run):
    info = api.get(f"{P}/runs/get", {"run_uuid": run}).ok()["run"]["info"]
    assert info["run_id"] == info["run_uuid"] == run
    api.post(f"{P}/runs/set-tag", {"run_uuid": run, "key": "k", "value": "v"}).ok()


def test_an_error_has_code_and_message(api):
    body = api.get(f"{P}/runs/get", {"run_id": "0" * 32}).refused("RESOURCE_DOES_NOT_EXIST", status=404)
    assert body["message"] == f"Run with id={'0' * 32} not found"


@pytest.mark.parametrize("text", ["{", "[", '{"name": }', "nothing"])
def test_a_body_that_is_not_json_is_the_callers_fault(api, text):
    answer = api.send("POST", f"{P}/experiments/create", data=text, headers={"Content-Type": "application/json"})
    # MLflow answers Flask's page of plain HTML.
    assert answer.status == 400
