"""Metrics: what is the latest, what is kept twice, histories, pages and samples of them."""

import math
import threading

import pytest
from mlflow.entities import Metric
from wire import P, fresh, refused

AJAX = "/ajax-api/2.0/mlflow"


def points(client, run, key="m"):
    return [(m.step, m.value) for m in client.get_metric_history(run, key)]


def latest(client, run, key="m"):
    return client.get_run(run).data.metrics[key]


@pytest.mark.parametrize("value", [0.0, 1.5, -1.5, 1e-300, 1e300, 123456789.123456789, 2**53, 0.1 + 0.2, 5e-324, -0.0])
def test_values_are_kept_exactly(client, run, value):
    client.log_metric(run, "m", value)
    assert latest(client, run) == value


def test_nan_and_infinities(client, api, run):
    for key, value in [("nan", "NaN"), ("inf", "Infinity"), ("neg", "-Infinity")]:
        api.post(f"{P}/runs/log-metric", {"run_id": run, "key": key, "value": value, "timestamp": 1}).ok()
    metrics = client.get_run(run).data.metrics
    assert math.isnan(metrics["nan"])
    assert metrics["inf"] >= 1.7976931348623157e308 and metrics["neg"] <= -1.7976931348623157e308
    wire = {m["key"]: m["value"] for m in api.get(f"{P}/runs/get", {"run_id": run}).ok()["run"]["data"]["metrics"]}
    assert wire["nan"] == "NaN"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_the_client_sends_them_too(client, run, value):
    client.log_metric(run, "m", value)
    client.log_batch(run, [Metric("b", value, 1, 0)])
    assert len(client.get_metric_history(run, "m")) == len(client.get_metric_history(run, "b")) == 1


@pytest.mark.parametrize("value", ["x", "", "1e", "0x", "one"])
def test_a_value_that_is_no_number_is_refused(api, shared_run, value):
    api.post(f"{P}/runs/log-metric", {"run_id": shared_run, "key": "m", "value": value, "timestamp": 1}).refused("INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("time", [-1, -(2**40), "x", "1.5"])
def test_a_time_that_is_none_is_refused(api, shared_run, time):
    api.post(f"{P}/runs/log-metric", {"run_id": shared_run, "key": "m", "value": 1, "timestamp": time}).refused("INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize(
    ("logged", "expected"),
    [
        ([(1, 10, 0), (2, 11, 0)], 2),
        ([(1, 11, 0), (2, 10, 0)], 1),
        ([(1, 10, 5), (2, 99, 4)], 1),
        ([(1, 10, 5), (2, 10, 5)], 2),
        ([(2, 10, 5), (1, 10, 5)], 2),
        ([(1, 10, -3), (2, 10, -4)], 1),
        ([(9, 0, 0)], 9),
        ([(1, 1, 1), (2, 2, 2), (3, 3, 0)], 2),
    ],
)
@pytest.mark.parametrize("how", ["single", "batch"])
def test_the_latest_is_the_greatest_by_step_time_value(client, run, logged, expected, how):
    if how == "batch":
        client.log_batch(run, [Metric("m", *point) for point in logged])
    else:
        for value, time, step in logged:
            client.log_metric(run, "m", value, time, step)
    assert latest(client, run) == expected
    assert len(client.get_metric_history(run, "m")) == len(logged)


def test_the_same_point_is_kept_once(client, run):
    for _ in range(3):
        client.log_metric(run, "m", 1.5, 10, 2)
    client.log_batch(run, [Metric("m", 1.5, 10, 2), Metric("m", 1.5, 10, 2)])
    assert points(client, run) == [(2, 1.5)]


@pytest.mark.parametrize("other", [(2.5, 10, 2), (1.5, 11, 2), (1.5, 10, 3)])
def test_points_that_differ_in_anything_are_two(client, run, other):
    client.log_batch(run, [Metric("m", 1.5, 10, 2), Metric("m", *other)])
    assert len(client.get_metric_history(run, "m")) == 2


def test_history_is_ordered_by_time_step_value(client, run):
    client.log_batch(run, [Metric("m", v, t, s) for v, t, s in [(3, 2, 0), (1, 1, 5), (2, 1, 5), (9, 1, 4)]])
    assert [(m.timestamp, m.step, m.value) for m in client.get_metric_history(run, "m")] == [(1, 4, 9), (1, 5, 1), (1, 5, 2), (2, 0, 3)]


def test_history_of_an_unknown_key_is_empty(client, run):
    assert client.get_metric_history(run, "none") == []


def test_history_of_an_unknown_run(api):
    # MLflow answers an empty history; a run that is not there may as well be told.
    answer = api.get(f"{P}/metrics/get-history", {"run_id": "f" * 32, "metric_key": "m"})
    assert answer.status == 404 or answer.ok() == {}


@pytest.fixture(scope="module")
def long(client):
    """A run of 2,500 points of `m` (step i, value i/2, one a millisecond), and 10 of `few`."""
    run = client.create_run(client.create_experiment(fresh("long"))).info.run_id
    for start in range(0, 2500, 1000):
        client.log_batch(run, [Metric("m", i / 2, 1000 + i, i) for i in range(start, min(start + 1000, 2500))])
    client.log_batch(run, [Metric("few", i, 1000 + i, i * 10) for i in range(10)])
    return run


def test_a_long_history_is_whole(client, long):
    assert points(client, long) == [(i, i / 2) for i in range(2500)]


@pytest.mark.parametrize("size", [1, 3, 7, 10, 11, 25_000])
def test_history_pages(api, long, size):
    steps, token = [], None
    while True:
        fields = {"run_id": long, "metric_key": "few", "max_results": size, **({} if token is None else {"page_token": token})}
        answer = api.get(f"{P}/metrics/get-history", fields).ok()
        assert len(answer.get("metrics", [])) <= size
        steps += [m["step"] for m in answer.get("metrics", [])]
        token = answer.get("next_page_token")
        if not token:
            break
    assert steps == [i * 10 for i in range(10)]


@pytest.mark.parametrize("size", [0, -1])
def test_a_page_of_history_has_a_size(api, long, size):
    api.get(f"{P}/metrics/get-history", {"run_id": long, "metric_key": "m", "max_results": size}).refused("INVALID_PARAMETER_VALUE", "max_results")


def test_a_page_token_of_history_that_is_none(api, long):
    api.get(f"{P}/metrics/get-history", {"run_id": long, "metric_key": "m", "max_results": 5, "page_token": "nonsense"}).refused("INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("size", [1, 2, 10, 320, 2500])
def test_samples_keep_first_and_last(api, long, size):
    found = api.get(f"{P}/metrics/get-history-bulk-interval", {"run_ids": long, "metric_key": "m", "max_results": size}).ok()["metrics"]
    steps = [m["step"] for m in found]
    assert steps == sorted(set(steps)) and steps[-1] == 2499 and (steps[0] == 0 or size == 1)
    assert size / 2 <= len(steps) <= size + 2
    assert all(m["run_id"] == long and m["value"] == m["step"] / 2 for m in found)


@pytest.mark.parametrize(("start", "end"), [(0, 0), (10, 19), (2400, 9999), (-5, 3), (5000, 6000)])
def test_samples_of_a_range(api, long, start, end):
    fields = {"run_ids": long, "metric_key": "m", "start_step": start, "end_step": end, "max_results": 2500}
    found = api.get(f"{P}/metrics/get-history-bulk-interval", fields).ok().get("metrics", [])
    assert [m["step"] for m in found] == list(range(max(0, start), min(2499, end) + 1))


def test_samples_of_several_runs_share_their_steps(api, client, long):
    other = client.create_run(client.get_run(long).info.experiment_id).info.run_id
    client.log_batch(other, [Metric("m", i, 1, i) for i in range(0, 2600, 100)])
    found = api.get(f"{P}/metrics/get-history-bulk-interval", {"run_ids": [long, other], "metric_key": "m", "max_results": 10}).ok()["metrics"]
    assert {m["run_id"] for m in found} == {long, other}
    assert max(m["step"] for m in found if m["run_id"] == other) == 2500


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"max_results": 0}, "max_results must be between 1 and 2500"),
        ({"max_results": 2501}, "max_results must be between 1 and 2500"),
        ({"start_step": 5}, "If either start step or end step are specified, both must be specified."),
        ({"end_step": 5}, "If either start step or end step are specified, both must be specified."),
        ({"start_step": 9, "end_step": 5}, "end_step must be greater than start_step. Found start_step=9 and end_step=5."),
        ({"run_ids": ["a" * 32] * 101}, "GetMetricHistoryBulkInterval request must specify at most 100 run_ids. Received 101 run_ids."),
    ],
)
def test_bad_samples_are_refused(api, long, more, words):
    fields = {"run_ids": long, "metric_key": "m", **more}
    api.get(f"{P}/metrics/get-history-bulk-interval", fields).refused("INVALID_PARAMETER_VALUE", words)


def test_the_client_reads_samples(client, long):
    from mlflow.tracking._tracking_service.utils import _get_store

    found = _get_store().get_metric_history_bulk_interval([long], "m", 5, 0, 2499)
    assert len(found) >= 5 and found[0].run_id == long


def test_bulk_history(api, client, long):
    other = client.create_run(client.get_run(long).info.experiment_id).info.run_id
    client.log_metric(other, "few", 7, 5, 1)
    found = api.get(f"{AJAX}/metrics/get-history-bulk", {"run_id": [long, other], "metric_key": "few"}).ok()["metrics"]
    assert len(found) == 11 and {m["run_id"] for m in found} == {long, other}
    assert [m["step"] for m in found if m["run_id"] == long] == [i * 10 for i in range(10)]
    capped = api.get(f"{AJAX}/metrics/get-history-bulk", {"run_id": [long], "metric_key": "few", "max_results": 3}).ok()
    assert [m["step"] for m in capped["metrics"]] == [0, 10, 20]
    assert api.get(f"{AJAX}/metrics/get-history-bulk", {"run_id": [long], "metric_key": "none"}).ok().get("metrics", []) == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"metric_key": "m"}, "GetMetricHistoryBulk request must specify at least one run_id."),
        ({"run_id": ["a" * 32]}, "GetMetricHistoryBulk request must specify a metric_key."),
        ({"run_id": ["a" * 32] * 101, "metric_key": "m"}, "GetMetricHistoryBulk request cannot specify more than 100 run_ids. Received 101 run_ids."),
    ],
)
def test_bad_bulk_history_is_refused(api, fields, words):
    api.get(f"{AJAX}/metrics/get-history-bulk", fields).refused("INVALID_PARAMETER_VALUE", words)


def test_a_metric_of_a_model_is_kept_on_both(client, experiment, run):
    model = client.create_logged_model(experiment, name="m", source_run_id=run)
    client.log_metric(run, "acc", 0.5, step=3, timestamp=9, model_id=model.model_id, dataset_name="d", dataset_digest="x")
    [metric] = client.get_logged_model(model.model_id).metrics
    assert (metric.key, metric.value, metric.step, metric.dataset_name, metric.dataset_digest, metric.run_id) == ("acc", 0.5, 3, "d", "x", run)
    assert latest(client, run, "acc") == 0.5


def test_many_writers_lose_nothing(client, run):
    def log(worker):
        for i in range(20):
            client.log_metric(run, f"w{worker}", i, step=i)
            client.log_metric(run, "all", worker * 100 + i, step=i)

    threads = [threading.Thread(target=log, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(points(client, run, f"w{n}") == [(i, i) for i in range(20)] for n in range(6))
    assert len(client.get_metric_history(run, "all")) == 120


def test_asynchronous_logging(client, run):
    operations = [client.log_metric(run, "a", i, step=i, synchronous=False) for i in range(150)]
    operations.append(client.log_param(run, "p", "1", synchronous=False))
    operations.append(client.set_tag(run, "t", "1", synchronous=False))
    operations.append(client.log_batch(run, [Metric("b", 1, 1, 1)], synchronous=False))
    for operation in operations:
        operation.wait()
    data = client.get_run(run).data
    assert points(client, run, "a") == [(i, i) for i in range(150)]
    assert (data.params["p"], data.tags["t"], data.metrics["b"]) == ("1", "1", 1)


def test_an_asynchronous_failure_is_told(client, run):
    client.log_param(run, "p", "1")
    operation = client.log_param(run, "p", "2", synchronous=False)
    with pytest.raises(Exception, match="Changing param values is not allowed|p"):
        operation.wait()


def test_metrics_of_a_deleted_run_stay_readable(client, run):
    client.log_metric(run, "m", 1, step=1)
    client.delete_run(run)
    assert points(client, run) == [(1, 1)]
    refused("INVALID_PARAMETER_VALUE", lambda: client.log_metric(run, "m", 2))
