"""Request ids and error bodies as Azure ML's inference server words them."""

from __future__ import annotations

import json
import os
import uuid
from typing import Any, Dict, List, Tuple

from httpd import Request, Response

ID_LIMIT = 100
NOT_FOUND = (
    "The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again."
)
NOT_ALLOWED = "The method is not allowed for the requested URL."
HTML = ("Content-Type", "text/html; charset=utf-8")
JSON = ("Content-Type", "application/json")
SERVER_VERSION = os.environ.get("HTTP_X_MS_SERVER_VERSION", "trainyard/1")

Headers = List[Tuple[str, str]]


def json_response(status: int, value: Any, failed: bool = False, extra: Headers = []) -> Response:
    headers = [JSON, ("x-ms-run-function-failed", str(failed)), *extra]
    return Response(status, headers, json.dumps(value).encode())


def error(status: int, message: str, failed: bool = False) -> Response:
    return json_response(status, {"message": message}, failed)


def tracing(request: Request) -> Tuple[Headers, Dict[str, str], "Response | None"]:
    """Headers every answer carries, the ids, and the refusal when an id is too long."""
    headers: Headers = [("x-ms-server-version", SERVER_VERSION)]
    trace = request.header("traceid")
    tail: Headers = [] if trace is None else [("TraceId", trace)]
    request_id = request.header("x-request-id") or str(uuid.uuid4())
    if len(request_id) > ID_LIMIT:
        return headers + tail, {}, error(431, f"x-request-id must not exceed {ID_LIMIT} characters")
    headers.append(("x-request-id", request_id))
    legacy = request.header("x-ms-request-id") or ""
    client = request.header("x-ms-client-request-id") or ""
    if legacy:
        client = client or legacy
    else:
        legacy = client or request_id
    if len(legacy) > ID_LIMIT or len(client) > ID_LIMIT:
        message = f"x-ms-request-id and x-ms-client-request-id must not exceed {ID_LIMIT} characters"
        return headers + tail, {}, error(431, message)
    headers.append(("x-ms-request-id", legacy))
    if client:
        headers.append(("x-ms-client-request-id", client))
    return headers + tail, {"request_id": request_id, "client_request_id": client}, None


def with_headers(response: Response, extra: Headers) -> Response:
    return Response(response.status, [*response.headers, *extra], response.body)
