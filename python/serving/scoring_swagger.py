"""The documents behind /swagger.json: a user's own file, else one made from the script's schema decorators."""

from __future__ import annotations

import json
import os
from typing import Any, Callable, Dict, NamedTuple, Optional

VERSIONS = {"2", "2.0", "3", "3.0", "3.1"}
ALIASES = {"2": ["2", "2.0"], "3": ["3", "3.0"], "3.1": ["3.1"]}
ANYTHING = {"type": "object", "example": {}}


class Schema(NamedTuple):
    input: Any
    output: Any
    versions: Any


def schema_of(run: Callable[..., Any]) -> Optional[Schema]:
    """What inference-schema's decorators say of `run()`; None for a plain function."""
    try:
        from inference_schema import schema_util
    except ImportError:
        return None
    if not schema_util.is_schema_decorated(run):
        return None
    return Schema(schema_util.get_input_schema(run), schema_util.get_output_schema(run), schema_util.get_supported_versions(run))


def build(folder: str, run: Callable[..., Any], schema: Optional[Schema]) -> Dict[str, Dict[str, Any]]:
    """Documents by version and alias. `folder` may hold swagger.json, swagger2.json, swagger3.json or swagger3.1.json."""
    documents: Dict[str, Dict[str, Any]] = {}
    for version, aliases in ALIASES.items():
        names = ["swagger.json", "swagger2.json"] if version == "2" else [f"swagger{version}.json"]
        document = next((found for found in (read(folder, name) for name in names) if found is not None), None)
        if document is None and schema is not None and not any(alias in schema.versions for alias in aliases):
            continue
        if document is None:
            asked, given = (schema.input, schema.output) if schema is not None else (ANYTHING, ANYTHING)
            document = swagger2(asked, given) if version == "2" else openapi("3.1.0" if version == "3.1" else "3.0.3", asked, given)
        for alias in aliases:
            documents[alias] = document
    return documents


def read(folder: str, name: str) -> Optional[Dict[str, Any]]:
    try:
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return None


TITLE = os.environ.get("SERVICE_NAME", "ML service")
INFO = {
    "title": TITLE,
    "description": f"API specification for the Azure Machine Learning service {TITLE}",
    "version": os.environ.get("SERVICE_VERSION", "1.0"),
}
ERROR = {"type": "object", "properties": {"message": {"type": "string"}}}
BEARER = {"type": "apiKey", "name": "Authorization", "in": "header", "description": "For example: Bearer abc123"}


def operations(ok: Any, scored: Any, failed: Any, body: Dict[str, Any], spec: Any, version: Any) -> Dict[str, Any]:
    return {
        "/": {
            "get": {
                "operationId": "ServiceHealthCheck",
                "description": "Simple health check endpoint to ensure the service is up at any given point.",
                "responses": {"200": ok, "default": failed},
            }
        },
        "/score": {
            "post": {
                "operationId": "RunMLService",
                "description": "Run web service's model and get the prediction output",
                "security": [{"Bearer": []}],
                **body,
                "responses": {"200": scored, "default": failed},
            }
        },
        "/swagger.json": {
            "get": {
                "operationId": "GetSwaggerSpec",
                "description": "Get the Swagger specification.",
                "parameters": [{"name": "version", "in": "query", "required": False, **version}],
                "responses": {"200": spec, "default": failed},
            }
        },
    }


HEALTHY = "If service is up and running, this response will be returned with the content 'Healthy'"
SCORED = "The service processed the input correctly and provided a result prediction, if applicable."
FAILED = "The service failed to execute due to an error."
SPEC = "The Swagger specification."
ASKED_VERSION = {"type": "integer", "enum": [2, 3]}
PAYLOAD = "The input payload for executing the real-time machine learning service."


def swagger2(asked: Any, given: Any) -> Dict[str, Any]:
    def reply(description: str, name: str) -> Dict[str, Any]:
        return {"description": description, "schema": {"$ref": f"#/definitions/{name}"}}

    parameter = {
        "name": "serviceInputPayload",
        "in": "body",
        "description": PAYLOAD,
        "schema": {"$ref": "#/definitions/ServiceInput"},
    }
    ok = {"description": HEALTHY, "schema": {"type": "string"}, "examples": {"application/json": "Healthy"}}
    spec = {"description": SPEC, "schema": {"type": "string"}}
    body = {"parameters": [parameter]}
    failed = reply(FAILED, "ErrorResponse")
    return {
        "swagger": "2.0",
        "info": INFO,
        "schemes": ["https"],
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "securityDefinitions": {"Bearer": BEARER},
        "paths": operations(ok, reply(SCORED, "ServiceOutput"), failed, body, spec, ASKED_VERSION),
        "definitions": {"ServiceInput": asked, "ServiceOutput": given, "ErrorResponse": ERROR},
    }


def openapi(version: str, asked: Any, given: Any) -> Dict[str, Any]:
    def reply(description: str, name: str) -> Dict[str, Any]:
        return {"description": description, "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}

    body = {
        "requestBody": {
            "description": PAYLOAD,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ServiceInput"}}},
        }
    }
    ok = {"description": HEALTHY, "content": {"text/plain": {"schema": {"type": "string", "example": "Healthy"}}}}
    spec = {"description": SPEC, "content": {"text/plain": {"schema": {"type": "string"}}}}
    failed = reply(FAILED, "ErrorResponse")
    return {
        "openapi": version,
        "info": INFO,
        "security": [{"Bearer": []}],
        "paths": operations(ok, reply(SCORED, "ServiceOutput"), failed, body, spec, {"schema": ASKED_VERSION}),
        "components": {
            "securitySchemes": {"Bearer": BEARER},
            "schemas": {"ServiceInput": asked, "ServiceOutput": given, "ErrorResponse": ERROR},
        },
    }
