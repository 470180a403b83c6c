"""Azure ML's scoring contract for environments without azureml-inference-server-http: `init()` once, `run()` for each request."""

from __future__ import annotations

import importlib.util
import inspect
import json
import logging
import os
import sys
import time
import traceback
from types import ModuleType
from typing import Any, Callable, Dict, List, Optional
from urllib.parse import parse_qs

import scoring_swagger
from httpd import Request, Response
from raw_request import make_raw_request
from scoring_answers import HTML, NOT_ALLOWED, NOT_FOUND, Headers, error, json_response, tracing, with_headers
from time_limit import LimitReached, time_limit
from workers import Unservable

logger = logging.getLogger("trainyard.serving")

RUN_FAILED = "An unexpected error occurred in scoring script. Check the logs for more info."
INTERNAL = "An unexpected internal error occurred. Check the logs for more info."
SCRIPT_EXIT = (
    "<html>\n  <head>\n    <title>Internal Server Error</title>\n  </head>\n  <body>\n"
    "    <h1><p>Internal Server Error</p></h1>\n    \n  </body>\n</html>\n"
)


class InputRefused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def load_script(path: str) -> ModuleType:
    """Imports the script under the name Azure's server gives it. Its folder of code is on the path, as there."""
    if not os.path.isfile(path):
        raise Unservable(f"the scoring script `{os.path.relpath(path)}` is not in the code folder")
    spec = importlib.util.spec_from_file_location("entry_module", path)
    if spec is None or spec.loader is None:
        raise Unservable(f"the scoring script `{os.path.basename(path)}` is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules["entry_module"] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as cause:
        traceback.print_exc()
        raise Unservable(f"importing the scoring script failed: {word(cause)}") from cause
    for name in ("init", "run"):
        if not callable(getattr(module, name, None)):
            raise Unservable(f"the scoring script has no `{name}()` function")
    return module


def word(cause: BaseException) -> str:
    return traceback.format_exception_only(type(cause), cause)[-1].strip()


class Scoring:
    """A loaded script and how its `run()` wants to be called."""

    def __init__(self, module: ModuleType, timeout_ms: int) -> None:
        self.timeout_ms = timeout_ms
        driver = getattr(module, "driver_module", None)
        self.run: Callable[..., Any] = driver.run if isinstance(driver, ModuleType) and hasattr(driver, "run") else module.run
        try:
            module.init()
        except BaseException as cause:
            traceback.print_exc()
            raise Unservable(f"init() of the scoring script failed: {word(cause)}") from cause
        parameters = list(inspect.signature(self.run).parameters.values())
        if any(p.kind not in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters):
            raise Unservable("run() cannot accept positional-only arguments, *args, or **kwargs.")
        self.wants_headers = any(p.name == "request_headers" for p in parameters)
        self.parameters = [p for p in parameters if p.name != "request_headers"]
        if not self.parameters:
            raise Unservable("run() needs to accept an argument for input data.")
        self.schema = scoring_swagger.schema_of(self.run)
        self.raw = wants_raw()
        if self.raw and self.schema is not None:
            raise Unservable("run() cannot be decorated with both @rawhttp and @input_schema")
        self.swaggers = scoring_swagger.build(os.getcwd(), self.run, self.schema)

    def handle(self, request: Request) -> Response:
        headers, ids, refusal = tracing(request)
        if request.path == "/score" and request.method in ("GET", "POST", "OPTIONS"):
            return with_headers(refusal or self.score(request), headers)
        if request.path not in ("/", "/swagger.json", "/score"):
            return error(404, NOT_FOUND)
        if request.method not in ("GET", "HEAD", "OPTIONS") or request.path == "/score":
            return error(405, NOT_ALLOWED)
        if refusal is not None:
            return with_headers(refusal, headers)
        if request.path == "/":
            return Response(200, [HTML, *headers], b"Healthy")
        return with_headers(self.swagger(request), headers)

    def swagger(self, request: Request) -> Response:
        version = parse_qs(request.query, keep_blank_values=True).get("version", ["2"])[0]
        found = self.swaggers.get(version)
        if found is not None:
            return json_response(200, found)
        known = ", ".join(sorted(v for v in self.swaggers if v in ("2", "3", "3.1")))
        if version in scoring_swagger.VERSIONS:
            return error(
                404, f"Swagger version [{version}] is not supported for the scoring script. Supported swagger versions: [{known}]."
            )
        return error(404, f"Swagger version [{version}] is not valid. Supported versions: [{known}].")

    def score(self, request: Request) -> Response:
        try:
            arguments = self.arguments(request)
        except InputRefused as refusal:
            if request.method == "OPTIONS":
                return Response(200, [HTML, ("x-ms-run-function-failed", "False")], b"")
            return error(refusal.status, str(refusal))
        if self.wants_headers:
            arguments["request_headers"] = {name.title(): value for name, value in request.headers}
        started = time.perf_counter()
        try:
            with time_limit(self.timeout_ms):
                output = self.run(**arguments)
        except LimitReached:
            logger.error("run() did not end within %s ms", self.timeout_ms)
            return error(500, f"Scoring timeout after {self.timeout_ms} ms", True)
        except SystemExit:
            logger.error("run() called exit")
            return Response(500, [("Content-Type", "text/html")], SCRIPT_EXIT.encode())
        except TimeoutError:
            traceback.print_exc()
            return error(500, f"Scoring timeout after {self.timeout_ms} ms", True)
        except Exception:
            traceback.print_exc()
            return error(500, RUN_FAILED, True)
        spent = ("x-ms-run-fn-exec-ms", f"{(time.perf_counter() - started) * 1000:.3f}")
        try:
            return with_headers(answer(output), [spent])
        except Exception:
            traceback.print_exc()
            return error(500, INTERNAL)

    def arguments(self, request: Request) -> Dict[str, Any]:
        first = self.parameters[0].name
        if self.raw:
            return {first: make_raw_request(request)}
        if request.method == "OPTIONS":
            raise InputRefused(405, "Method not allowed")
        if self.schema is not None:
            return self.pick(self.query_values(request) if request.method == "GET" else json_object(request))
        if request.method == "GET":
            return {first: json.dumps(self.query_values(request))}
        # Flask reads form bodies into its form, so the data of a script is empty for them.
        form = (request.header("content-type") or "").startswith(("application/x-www-form-urlencoded", "multipart/form-data"))
        try:
            return {first: "" if form else str(request.body, "utf-8")}
        except UnicodeDecodeError as cause:
            raise InputRefused(400, f"Input cannot be decoded as UTF-8: {cause}") from None

    def query_values(self, request: Request) -> Dict[str, Any]:
        values: Dict[str, List[str]] = parse_qs(request.query, keep_blank_values=True)
        return {name: loose(got[0]) if len(got) == 1 else [loose(v) for v in got] for name, got in values.items()}

    def pick(self, body: Dict[str, Any]) -> Dict[str, Any]:
        picked: Dict[str, Any] = {}
        for parameter in self.parameters:
            value = body.get(parameter.name, parameter.default)
            if value is inspect.Parameter.empty:
                raise InputRefused(400, f"A value is not provided for the {parameter.name!r} parameter.")
            picked[parameter.name] = value
        return picked


def wants_raw() -> bool:
    """True when the script applied @rawhttp, ours or Azure's."""
    module = sys.modules.get("azureml_inference_server_http.api.aml_request")
    return bool(getattr(module, "_rawHttpRequested", False))


def loose(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def json_object(request: Request) -> Dict[str, Any]:
    kind = (request.header("content-type") or "").split(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise InputRefused(415, "Expects Content-Type to be application/json")
    if not request.body:
        raise InputRefused(400, "POST body is empty. Expecting a JSON dictionary.")
    try:
        body = json.loads(request.body)
    except ValueError as cause:
        raise InputRefused(400, f"POST body could not be decoded as JSON: {cause}") from None
    if not isinstance(body, dict):
        raise InputRefused(400, "POST body should be a JSON dictionary.")
    return body


def answer(output: Any) -> Response:
    """What `run()` returned as a response: AMLResponse (ours, Azure's or Flask's) as it is, anything else as JSON."""
    if hasattr(output, "get_data") and hasattr(output, "status_code") and hasattr(output, "headers"):
        headers: Headers = [(str(n), str(v)) for n, v in output.headers.items() if n.lower() not in ("content-length", "connection")]
        if output.status_code >= 500:
            headers = [(n, v) for n, v in headers if n.lower() != "x-ms-run-function-failed"]
            headers.append(("x-ms-run-function-failed", "True"))
        return Response(int(output.status_code), headers, output.get_data())
    return json_response(200, {} if output is None else output)


def make_handler(script: Optional[str], timeout_ms: int) -> Callable[[Request], Response]:
    module = load_script(os.path.abspath(script or "main.py"))
    return Scoring(module, timeout_ms).handle
