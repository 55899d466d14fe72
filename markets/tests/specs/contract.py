"""Holds requests, answers and stream frames against the exchange's own specification.

What we send is held strictly: a field or parameter that the specification does not know is a fault.
What is answered may say more than is specified, as the exchange itself does.
"""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any

import httpx
from jsonschema import Draft202012Validator, FormatChecker

HERE = Path(__file__).parent
PREFIX = "/trade-api/v2"


def request_faults(request: httpx.Request) -> list[str]:
    """Return what a request does that the specification does not allow."""
    method = request.method.lower()
    path = request.url.raw_path.decode().partition("?")[0]
    if not path.startswith(PREFIX):
        return [f"{path} is not below {PREFIX}"]
    path = path.removeprefix(PREFIX)
    template = _template(path)
    operation = None if template is None else _spec("openapi")["paths"][template].get(method)
    if operation is None:
        return [f"{method} {path} is not specified"]
    faults = _query_faults(operation["parameters"], request.url.params.multi_items())
    return faults + _body_faults(operation.get("body"), request.content)


def answer_faults(method: str, path: str, status: int, body: Any) -> list[str]:
    """Return what in an answer contradicts the specification.

    Args:
        method: The HTTP method.
        path: The path below ``/trade-api/v2``.
        status: The status answered.
        body: The parsed body; None for an empty one.
    """
    template = _template(path.removeprefix(PREFIX))
    operation = (
        None if template is None else _spec("openapi")["paths"][template].get(method.lower())
    )
    if operation is None:
        return [f"{method} {path} is not specified"]
    if str(status) not in operation["responses"]:
        # A rate limit, a lacking right or a wrong input may be answered anywhere.
        wanted = {"$ref": "#/components/schemas/ErrorResponse"} if status >= 400 else None
        return _faults(wanted, body) if wanted else [f"status {status} is not specified"]
    schema = operation["responses"][str(status)]
    return _faults(schema, body) if schema is not None else []


def frame_faults(message: str, frame: Any, *, is_sent: bool = False) -> list[str]:
    """Return what in a stream frame contradicts the specified message of this name."""
    schema = _spec("asyncapi")["messages"][message]
    return _faults(schema, frame, spec="asyncapi", strict=is_sent)


def _template(path: str) -> str | None:
    """Return the specified path that ``path`` is one of; a literal one wins."""
    found = [known for known in _spec("openapi")["paths"] if _pattern(known).fullmatch(path)]
    return min(found, key=lambda known: known.count("{"), default=None)


@functools.cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{[^/]+?\\}", "[^/]+", re.escape(template)))


def _query_faults(parameters: list[dict[str, Any]], given: list[tuple[str, str]]) -> list[str]:
    known = {found["name"]: found for found in parameters if found["in"] == "query"}
    names = {name for name, _ in given}
    faults = [f"parameter {name} is not specified" for name in sorted(names - known.keys())]
    faults += [
        f"parameter {name} is missing"
        for name, found in known.items()
        if found["required"] and name not in names
    ]
    for name in sorted(names & known.keys()):
        texts = [text for other, text in given if other == name]
        schema = known[name]["schema"]
        faults += [f"parameter {name}: {fault}" for fault in _faults(schema, _typed(schema, texts))]
    return faults


def _typed(schema: dict[str, Any], texts: list[str]) -> Any:
    """Return a parameter's texts as the value that its schema speaks of."""
    if schema.get("type") == "array":
        return [_typed(schema["items"], [text]) for text in texts]
    if len(texts) != 1:
        return texts
    kind = _resolved(schema).get("type")
    if kind == "integer" and re.fullmatch(r"-?\d+", texts[0]):
        return int(texts[0])
    if kind == "boolean" and texts[0] in {"true", "false"}:
        return texts[0] == "true"
    return texts[0]


def _body_faults(schema: dict[str, Any] | None, content: bytes) -> list[str]:
    if schema is None:
        return ["a body is not specified"] if content else []
    if not content:
        return ["the body is missing"]
    return _faults(schema, json.loads(content), strict=True)


def _faults(
    schema: dict[str, Any], value: Any, *, spec: str = "openapi", strict: bool = False
) -> list[str]:
    whole = {
        **(_closed(schema) if strict else schema),
        "components": _components(spec, strict),
    }
    validator = Draft202012Validator(whole, format_checker=FormatChecker())
    found = sorted(validator.iter_errors(value), key=lambda fault: str(fault.absolute_path))
    return [_told(fault) for fault in found]


def _told(fault: Any) -> str:
    where = ".".join(str(part) for part in fault.absolute_path) or "body"
    return f"{where}: {fault.message}"


def _closed(schema: Any) -> Any:
    """Return a schema whose objects take no field that it does not name."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(part) for key, part in schema.items()}
    if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema:
        closed["additionalProperties"] = False
    return closed


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _resolved(_spec("openapi")["components"]["schemas"][name])
    if len(schema.get("allOf", ())) == 1:
        return _resolved(schema["allOf"][0])
    return schema


@functools.cache
def _components(spec: str, strict: bool) -> dict[str, Any]:
    components = _spec(spec)["components"]
    return _closed(components) if strict else components


@functools.cache
def _spec(name: str) -> dict[str, Any]:
    return json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))
