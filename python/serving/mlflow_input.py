"""From a request's JSON to what an MLflow model takes, checked against its signature so that the caller learns which field is wrong."""

from __future__ import annotations

import base64
import math
from typing import Any, Dict, List, Optional, Tuple

import numpy
import pandas

WAYS = ("input_data", "dataframe_split", "dataframe_records", "instances", "inputs")

NUMBER_KINDS = {"integer": "int32", "long": "int64", "float": "float32", "double": "float64"}
BOUNDS = {"integer": (-(2**31), 2**31 - 1), "long": (-(2**63), 2**63 - 1)}


class WrongInput(Exception):
    """What the caller sent does not fit; the message names the field."""


def read_input(body: Any, schema: Any) -> Tuple[Any, Optional[Dict[str, Any]]]:
    """The model's input and its params. `schema` is the signature's inputs, None where the model has no signature."""
    if not isinstance(body, dict):
        raise WrongInput(f"the body is {kind(body)}; it must be an object with one of: {', '.join(WAYS)}")
    given = [way for way in WAYS if way in body]
    if len(given) != 1:
        found = f"it has {', '.join(given)}" if given else f"it has {', '.join(map(str, body)) or 'nothing'}"
        raise WrongInput(f"the body must have exactly one of: {', '.join(WAYS)}; {found}")
    params = body.get("params")
    if params is not None and not isinstance(params, dict):
        raise WrongInput(f"`params` is {kind(params)}; it must be an object")
    return shape(given[0], body[given[0]], schema), params


def shape(way: str, value: Any, schema: Any) -> Any:
    if way == "dataframe_split":
        return typed(split(way, value), schema)
    if way == "dataframe_records":
        return typed(records(way, value), schema)
    if schema is not None and schema.is_tensor_spec():
        if way in ("input_data", "inputs") and is_split(value):
            value = value["data"]
        return tensors(way, value, schema)
    if is_split(value):
        return typed(split(way, value), schema)
    if isinstance(value, dict):
        return typed(columns(way, value), schema)
    if not isinstance(value, list):
        raise WrongInput(f"`{way}` is {kind(value)}; it must be an object or a list")
    if not value:
        raise WrongInput(f"`{way}` has no rows")
    if all(isinstance(row, dict) for row in value):
        return typed(records(way, value), schema)
    return rows(way, value, schema)


def is_split(value: Any) -> bool:
    return isinstance(value, dict) and "data" in value and set(value) <= {"columns", "index", "data"}


def split(way: str, value: Any) -> pandas.DataFrame:
    if not is_split(value):
        raise WrongInput(f"`{way}` must be an object of `columns`, `index` and `data`")
    data, names, index = value["data"], value.get("columns"), value.get("index")
    if not isinstance(data, list):
        raise WrongInput(f"`{way}.data` is {kind(data)}; it must be a list of rows")
    if names is not None and not isinstance(names, list):
        raise WrongInput(f"`{way}.columns` is {kind(names)}; it must be a list")
    if index is not None and (not isinstance(index, list) or len(index) != len(data)):
        raise WrongInput(f"`{way}.index` must be a list as long as `{way}.data` ({len(data)})")
    width = len(names) if names is not None else None
    for at, row in enumerate(data):
        if not isinstance(row, list):
            if width in (None, 1):
                continue
            raise WrongInput(f"`{way}.data[{at}]` is {kind(row)}; it must be a list of {width} values")
        if width is not None and len(row) != width:
            raise WrongInput(f"`{way}.data[{at}]` has {len(row)} values, and `{way}.columns` has {width}")
    try:
        return pandas.DataFrame(data, columns=names, index=index)
    except ValueError as cause:
        raise WrongInput(f"`{way}`: {cause}") from None


def records(way: str, value: Any) -> pandas.DataFrame:
    if not isinstance(value, list):
        raise WrongInput(f"`{way}` is {kind(value)}; it must be a list of objects")
    for at, row in enumerate(value):
        if not isinstance(row, dict):
            raise WrongInput(f"`{way}[{at}]` is {kind(row)}; it must be an object")
    return pandas.DataFrame(value)


def columns(way: str, value: Dict[str, Any]) -> pandas.DataFrame:
    """Lists by name, or a single row by name."""
    lists = {name: each for name, each in value.items() if isinstance(each, list)}
    if len(lists) not in (0, len(value)):
        single = next(name for name in value if name not in lists)
        raise WrongInput(f"`{way}.{single}` is {kind(value[single])}, and other fields are lists")
    if not lists:
        return pandas.DataFrame([value])
    lengths = {name: len(each) for name, each in lists.items()}
    first = next(iter(lengths))
    for name, length in lengths.items():
        if length != lengths[first]:
            raise WrongInput(f"`{way}.{name}` has {length} values, and `{way}.{first}` has {lengths[first]}")
    return pandas.DataFrame(value)


def rows(way: str, value: List[Any], schema: Any) -> Any:
    """A list without names: columns in the signature's order, or an array for a model that has no signature."""
    if schema is None or not schema.has_input_names():
        return array(way, value, None)
    names = schema.input_names()
    if len(names) == 1 and not any(isinstance(row, list) for row in value):
        value = [[each] for each in value]
    for at, row in enumerate(value):
        if not isinstance(row, list) or len(row) != len(names):
            found = f"{len(row)} values" if isinstance(row, list) else kind(row)
            raise WrongInput(f"`{way}[{at}]` has {found}; the model takes {len(names)}: {', '.join(names)}")
    return typed(pandas.DataFrame(value, columns=names), schema)


def tensors(way: str, value: Any, schema: Any) -> Any:
    specs = schema.inputs
    if not schema.has_input_names():
        return array(way, value, specs[0])
    if not isinstance(value, dict):
        if len(specs) == 1:
            return {specs[0].name: array(way, value, specs[0])}
        raise WrongInput(f"`{way}` is {kind(value)}; it must be an object of: {', '.join(spec.name for spec in specs)}")
    missing = [spec.name for spec in specs if spec.name not in value and getattr(spec, "required", True)]
    if missing:
        raise WrongInput(f"`{way}.{missing[0]}` is missing")
    return {spec.name: array(f"{way}.{spec.name}", value[spec.name], spec) for spec in specs if spec.name in value}


def array(where: str, value: Any, spec: Any) -> numpy.ndarray:
    try:
        made = numpy.array(value, dtype=None if spec is None else spec.type)
    except (ValueError, TypeError, OverflowError) as cause:
        wanted = "rectangular" if spec is None else f"a rectangular array of {spec.type}"
        raise WrongInput(f"`{where}` is not {wanted}: {cause}") from None
    if spec is not None:
        wanted_shape = tuple(spec.shape)
        fits = len(made.shape) == len(wanted_shape) and all(w in (-1, got) for w, got in zip(wanted_shape, made.shape))
        if not fits:
            raise WrongInput(f"`{where}` has shape {made.shape}; the model takes {wanted_shape}")
    return made


def typed(frame: pandas.DataFrame, schema: Any) -> pandas.DataFrame:
    """The frame with the signature's columns, each in its type. Columns that the model does not know are left to MLflow."""
    if schema is None or schema.is_tensor_spec():
        return frame
    if len(frame) == 0:
        raise WrongInput("the request has no rows")
    if not schema.has_input_names():
        return frame
    specs = schema.inputs
    missing = [spec.name for spec in specs if getattr(spec, "required", True) and spec.name not in frame.columns]
    if missing:
        known = ", ".join(map(str, frame.columns)) or "none"
        raise WrongInput(f"field `{missing[0]}` is missing; the request has: {known}")
    frame = frame[[spec.name for spec in specs if spec.name in frame.columns]]
    return pandas.DataFrame(
        {spec.name: column(spec.name, frame[spec.name], spec) for spec in specs if spec.name in frame.columns},
        index=frame.index,
    )


def column(name: str, values: Any, spec: Any) -> Any:
    wanted = str(getattr(spec.type, "name", spec.type))
    if wanted in NUMBER_KINDS:
        return numbers(name, values, wanted)
    if wanted == "boolean":
        return checked(name, values, bool, wanted).astype(bool)
    if wanted == "string":
        return checked(name, values, str, wanted, nullable=True)
    if wanted == "datetime":
        try:
            return pandas.to_datetime(values)
        except (ValueError, TypeError) as cause:
            raise WrongInput(f"field `{name}` wants datetime: {cause}") from None
    if wanted == "binary":
        return pandas.Series([binary(name, at, each) for at, each in enumerate(values)], index=values.index)
    return values


def numbers(name: str, values: Any, wanted: str) -> Any:
    whole = wanted in BOUNDS
    for at, value in enumerate(values.tolist()):
        if value is None or (isinstance(value, float) and math.isnan(value)):
            if whole:
                raise WrongInput(f"field `{name}`, row {at}: a value is missing; the model wants {wanted}")
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise WrongInput(f"field `{name}`, row {at}: {kind(value)} `{short(value)}`; the model wants {wanted}")
        if whole:
            low, high = BOUNDS[wanted]
            if value != int(value) or not low <= value <= high:
                raise WrongInput(f"field `{name}`, row {at}: `{short(value)}` is not of type {wanted}")
    return values.astype(NUMBER_KINDS[wanted])


def checked(name: str, values: Any, python: type, wanted: str, nullable: bool = False) -> Any:
    for at, value in enumerate(values.tolist()):
        if not isinstance(value, python) and not (nullable and value is None):
            raise WrongInput(f"field `{name}`, row {at}: {kind(value)} `{short(value)}`; the model wants {wanted}")
    return values


def binary(name: str, at: int, value: Any) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (ValueError, TypeError):
        raise WrongInput(f"field `{name}`, row {at}: the model wants binary data in base64") from None


def kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list) else "an object"


def short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
