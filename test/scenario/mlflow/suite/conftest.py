"""What every area of the suite uses: the real client, and requests on the wire beside it.

MLFLOW_TRACKING_URI and MLFLOW_TRACKING_TOKEN name the server, ours or MLflow's own; it may hold other data.
SUITE_REPORT, if set, is a file that gets one JSON line a case.
"""

import json
import os

import mlflow
import pytest
from mlflow import MlflowClient
from wire import Api, fresh

_outcomes = {}


def pytest_runtest_logreport(report):
    """A case is as good as the worst of its set-up, itself and its clearing away."""
    known = _outcomes.setdefault(report.nodeid, {"case": report.nodeid, "ok": True, "why": ""})
    if report.failed or (report.skipped and not hasattr(report, "wasxfail")):
        known["ok"] = False
        known["why"] += f"{report.when}: {report.longreprtext}\n"
    if report.when == "teardown" and "SUITE_REPORT" in os.environ:
        with open(os.environ["SUITE_REPORT"], "a", encoding="utf-8") as file:
            file.write(json.dumps(known) + "\n")


@pytest.fixture(scope="session")
def client():
    return MlflowClient()


@pytest.fixture(scope="session")
def api():
    return Api(os.environ["MLFLOW_TRACKING_URI"], os.environ.get("MLFLOW_TRACKING_TOKEN", ""))


@pytest.fixture
def experiment(client):
    """The id of an experiment of the case's own."""
    return client.create_experiment(fresh("suite"))


@pytest.fixture
def run(client, experiment):
    """The id of a run of the case's own."""
    return client.create_run(experiment).info.run_id


@pytest.fixture(scope="module")
def shared_run(client):
    """The id of a run for cases that are refused: they leave it as it is."""
    return client.create_run(client.create_experiment(fresh("shared"))).info.run_id


@pytest.fixture
def model(client):
    """The name of a registered model of the case's own."""
    return client.create_registered_model(fresh("model")).name


@pytest.fixture(autouse=True)
def nothing_left():
    yield
    while mlflow.active_run() is not None:
        mlflow.end_run()
