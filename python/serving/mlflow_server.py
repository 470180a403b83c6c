"""Serves an MLflow model with no code: `/score` as Azure ML answers it, `/invocations` as MLflow does."""

from __future__ import annotations

import datetime
import decimal
import json
import logging
import math
import traceback
import warnings
from typing import Any, Callable, Dict, Optional

import mlflow.pyfunc
import numpy
import pandas
from httpd import Request, Response
from mlflow.exceptions import MlflowException
from mlflow_input import WrongInput, read_input
from scoring_answers import HTML, NOT_ALLOWED, NOT_FOUND, error, json_response, tracing, with_headers
from scoring_swagger import Schema, build
from time_limit import LimitReached, time_limit
from workers import Unservable

logger = logging.getLogger("trainyard.serving")

FAILED = "The model failed on this request. Check the logs for more info."
# The proxy is the only client, so paths of MLflow's own server may stand beside Azure's.
SCORING = {"/score", "/invocations"}
HEALTH = {"/", "/ping", "/health"}


def make_handler(folder: str, timeout_ms: int) -> Callable[[Request], Response]:
    return ModelServer(folder, timeout_ms).handle


class ModelServer:
    def __init__(self, folder: str, timeout_ms: int) -> None:
        self.timeout_ms = timeout_ms
        # Versions that differ from those the model was logged with are a warning, never a refusal.
        warnings.simplefilter("default")
        try:
            self.model = mlflow.pyfunc.load_model(folder)
        except BaseException as cause:
            traceback.print_exc()
            raise Unservable(f"the MLflow model can't be loaded: {type(cause).__name__}: {cause}") from cause
        signature = self.model.metadata.signature
        self.schema = None if signature is None else signature.inputs
        self.takes_params = signature is not None and getattr(signature, "params", None) is not None
        self.swaggers = build(folder, ModelServer.handle, Schema(example(self.schema), {"type": "array", "items": {}}, {"2", "3", "3.1"}))
        logger.info("model loaded from %s", folder)

    def handle(self, request: Request) -> Response:
        headers, _, refusal = tracing(request)
        if refusal is not None:
            return with_headers(refusal, headers)
        return with_headers(self.answer(request), headers)

    def answer(self, request: Request) -> Response:
        if request.path in SCORING:
            return self.score(request) if request.method == "POST" else error(405, NOT_ALLOWED)
        if request.path in HEALTH and request.method in ("GET", "HEAD"):
            return Response(200, [HTML], b"Healthy")
        if request.path == "/version" and request.method == "GET":
            return Response(200, [HTML], mlflow.__version__.encode())
        if request.path == "/swagger.json" and request.method == "GET":
            return json_response(200, self.swaggers["3" if "version=3" in request.query else "2"])
        return error(404, NOT_FOUND) if request.path not in HEALTH else error(405, NOT_ALLOWED)

    def score(self, request: Request) -> Response:
        try:
            data, params = read_input(parse(request.body), self.schema)
            with time_limit(self.timeout_ms):
                predicted = self.model.predict(data, params=params) if params is not None and self.takes_params else self.model.predict(data)
        except WrongInput as wrong:
            return error(400, str(wrong))
        except LimitReached:
            logger.error("predict() did not end within %s ms", self.timeout_ms)
            return error(500, f"Scoring timeout after {self.timeout_ms} ms", True)
        except MlflowException as cause:
            if cause.error_code in ("INVALID_PARAMETER_VALUE", "BAD_REQUEST"):
                return error(400, str(cause.message))
            traceback.print_exc()
            return error(500, FAILED, True)
        except (ValueError, TypeError, KeyError) as cause:
            # How most models say that they can't take what they were given.
            traceback.print_exc()
            return error(400, f"the model can't take this input: {type(cause).__name__}: {cause}", True)
        except Exception:
            traceback.print_exc()
            return error(500, FAILED, True)
        value = plain(predicted)
        return json_response(200, {"predictions": value} if request.path == "/invocations" else value)


def parse(body: bytes) -> Any:
    if not body:
        raise WrongInput("the body is empty; send JSON with `input_data`")
    try:
        return json.loads(body)
    except UnicodeDecodeError as cause:
        raise WrongInput(f"the body is not UTF-8: {cause}") from None
    except ValueError as cause:
        raise WrongInput(f"the body is not JSON: {cause}") from None
    except RecursionError:
        raise WrongInput("the body is nested too deep") from None


def plain(value: Any) -> Any:
    """A prediction as JSON can hold it: arrays and series as lists, frames as a list of objects, what is no number as null."""
    if isinstance(value, pandas.DataFrame):
        return [plain(row) for row in value.to_dict(orient="records")]
    if isinstance(value, pandas.Series):
        return plain(value.tolist())
    if isinstance(value, (numpy.ndarray, numpy.generic)):
        listed = value.tolist()
        return listed if isinstance(value, numpy.ndarray) and value.dtype.kind in "iub" else plain(listed)
    if hasattr(value, "toarray"):
        return plain(value.toarray())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(each) for each in value]
    if value is pandas.NaT or value is pandas.NA:
        return None
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return float(value)
    if hasattr(value, "model_dump"):
        return plain(value.model_dump())
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)


JSON_TYPES = {"integer": "integer", "long": "integer", "float": "number", "double": "number", "boolean": "boolean"}


def example(schema: Optional[Any]) -> Dict[str, Any]:
    """The swagger's ServiceInput, made from the signature."""
    names = schema.input_names() if schema is not None and schema.has_input_names() and not schema.is_tensor_spec() else []
    data: Dict[str, Any] = {"type": "array", "items": {"type": "array", "items": {}}}
    fields: Dict[str, Any] = {"data": data}
    if names:
        fields = {
            "columns": {"type": "array", "items": {"type": "string"}, "example": names},
            "index": {"type": "array", "items": {"type": "integer"}, "example": [0]},
            "data": {**data, "example": [[sample(spec) for spec in schema.inputs]]},
        }
    inner = {"type": "object", "properties": fields} if names else data
    return {"type": "object", "properties": {"input_data": inner}, "required": ["input_data"]}


def sample(spec: Any) -> Any:
    return {"integer": 0, "number": 0.0, "boolean": False}.get(JSON_TYPES.get(str(getattr(spec.type, "name", "")), ""), "text")
