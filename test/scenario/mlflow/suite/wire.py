"""Requests as other clients than MLflow's Python one send them, and what answers are held against."""

import json
import uuid

import requests
from mlflow.exceptions import MlflowException

P = "/api/2.0/mlflow"
A = "/api/2.0/mlflow-artifacts"


def fresh(label):
    """A name nobody else has."""
    return f"{label}-{uuid.uuid4().hex[:12]}"


class Answer:
    def __init__(self, response):
        self.status = response.status_code
        self.headers = response.headers
        self.bytes = response.content
        self.text = response.text

    @property
    def json(self):
        return json.loads(self.text)

    def ok(self):
        assert self.status == 200, f"{self.status}: {self.text}"
        return self.json

    def refused(self, code="INVALID_PARAMETER_VALUE", *words, status=400):
        """Fails unless the answer is this error; several statuses may be right."""
        statuses = status if isinstance(status, tuple) else (status,)
        codes = code if isinstance(code, tuple) else (code,)
        assert self.status in statuses, f"{self.status}: {self.text}"
        body = self.json
        assert body["error_code"] in codes, body
        for word in words:
            assert word in body["message"], body
        return body


class Api:
    def __init__(self, uri, token):
        self.uri = uri.rstrip("/")
        self.session = requests.Session()
        if token:
            self.session.headers["Authorization"] = f"Bearer {token}"

    def send(self, method, path, **more):
        return Answer(self.session.request(method, self.uri + path, **more))

    def get(self, path, params=None, **more):
        return self.send("GET", path, params=params, **more)

    def post(self, path, body=None, **more):
        return self.send("POST", path, json={} if body is None else body, **more)

    def call(self, method, path, fields):
        """A call with its fields where its method has them: GET in the query, others in the body."""
        return self.get(path, fields) if method == "GET" else self.send(method, path, json=fields)


def refused(code, call, *words):
    """Fails unless the client raises this error with these words."""
    try:
        call()
    except MlflowException as error:
        codes = code if isinstance(code, tuple) else (code,)
        assert error.error_code in codes, error
        for word in words:
            assert word in str(error), error
        return str(error)
    raise AssertionError("was not refused")
