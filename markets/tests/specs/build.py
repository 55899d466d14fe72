"""Reduces the exchange's specifications to what tests hold our messages against.

    python markets/tests/specs/build.py --source DIR

``DIR`` holds ``kalshi-openapi.yaml`` (OpenAPI 3.28.0 with the additions up to 3.34.0) and
``kalshi-asyncapi.yaml`` (AsyncAPI 2.0.0 of August 2026). Kept are the paths and messages we use,
and of them names, types and allowed values only; all prose, examples and extensions go. Schemas are
written as JSON Schema, so ``nullable`` becomes a type.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent

PATH_PREFIXES = (
    "/account/endpoint_costs",
    "/account/limits",
    "/events",
    "/exchange/",
    "/historical/",
    "/markets",
    "/portfolio/balance",
    "/portfolio/events/orders",
    "/portfolio/fills",
    "/portfolio/order_groups",
    "/portfolio/orders",
    "/portfolio/positions",
    "/portfolio/settlements",
    "/portfolio/summary/total_resting_order_value",
    "/series",
)
LEFT_OUT = ("/events/multivariate", "/forecast_percentile_history", "/metadata")
METHODS = ("get", "post", "put", "delete")
MESSAGES = (
    "subscribeCommand",
    "unsubscribeCommand",
    "listSubscriptionsCommand",
    "updateSubscriptionCommand",
    "updateSubscriptionDeleteCommand",
    "updateSubscriptionGetSnapshotCommand",
    "updateSubscriptionSingleSidCommand",
    "subscribedResponse",
    "unsubscribedResponse",
    "okResponse",
    "listSubscriptionsResponse",
    "errorResponse",
    "orderbookSnapshot",
    "orderbookDelta",
    "ticker",
    "trade",
    "fill",
    "marketLifecycleV2",
    "eventLifecycle",
    "eventFeeUpdate",
    "marketPosition",
    "orderGroupUpdates",
    "userOrder",
)
KEPT = frozenset(
    (
        "type",
        "format",
        "enum",
        "const",
        "items",
        "required",
        "minimum",
        "maximum",
        "minItems",
        "maxItems",
        "minLength",
        "maxLength",
        "pattern",
        "additionalProperties",
    )
)
COMBINERS = ("allOf", "oneOf", "anyOf")
SCHEMA_PREFIX = "#/components/schemas/"


def schema(source: dict[str, Any]) -> dict[str, Any]:
    """Return a schema without prose, in JSON Schema's words."""
    if "$ref" in source:
        kept: dict[str, Any] = {"$ref": source["$ref"]}
    else:
        kept = {
            key: schema(value) if isinstance(value, dict) else value
            for key, value in source.items()
            if key in KEPT
        }
        if "properties" in source:
            kept["properties"] = {name: schema(part) for name, part in source["properties"].items()}
        for key in COMBINERS:
            if key in source:
                kept[key] = [schema(part) for part in source[key]]
    return _or_null(kept) if source.get("nullable") else kept


def _or_null(kept: dict[str, Any]) -> dict[str, Any]:
    if isinstance(kept.get("type"), str) and "enum" not in kept:
        return {**kept, "type": [kept["type"], "null"]}
    return {"anyOf": [kept, {"type": "null"}]}


def reduced_openapi(source: dict[str, Any]) -> dict[str, Any]:
    """Return paths, parameters, bodies and answers of the calls we use."""
    paths = {
        path: {
            method: _operation(source, operations, method)
            for method in METHODS
            if method in operations
        }
        for path, operations in source["paths"].items()
        if path.startswith(PATH_PREFIXES) and not any(part in path for part in LEFT_OUT)
    }
    return {"paths": paths, "components": _used_schemas(source, paths)}


def _operation(source: dict[str, Any], operations: dict[str, Any], method: str) -> dict[str, Any]:
    operation = operations[method]
    parameters = [
        _resolved(source, found)
        for found in (*operations.get("parameters", ()), *operation.get("parameters", ()))
    ]
    kept: dict[str, Any] = {
        "parameters": [
            {
                "name": found["name"],
                "in": found["in"],
                "required": bool(found.get("required")),
                "schema": schema(found["schema"]),
            }
            for found in parameters
        ],
        "responses": {
            status: _json_schema(_resolved(source, answer))
            for status, answer in operation["responses"].items()
        },
    }
    if "requestBody" in operation:
        kept["body"] = _json_schema(_resolved(source, operation["requestBody"]))
    return kept


def _json_schema(holder: dict[str, Any]) -> dict[str, Any] | None:
    content = holder.get("content", {}).get("application/json")
    return None if content is None else schema(content["schema"])


def _resolved(source: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in found:
        return found
    target: Any = source
    for part in found["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    return _resolved(source, target)


def reduced_asyncapi(source: dict[str, Any]) -> dict[str, Any]:
    """Return the payloads of the messages we use, by name."""
    messages = {
        name: schema(source["components"]["messages"][name]["payload"]) for name in MESSAGES
    }
    return {"messages": messages, "components": _used_schemas(source, messages)}


def _used_schemas(source: dict[str, Any], root: Any) -> dict[str, Any]:
    """Return the components that ``root`` refers to, directly or through others."""
    used: dict[str, Any] = {}
    waiting = sorted(_references(root))
    while waiting:
        name = waiting.pop()
        if name not in used:
            used[name] = schema(source["components"]["schemas"][name])
            waiting.extend(sorted(_references(used[name])))
    return {"schemas": dict(sorted(used.items()))}


def _references(part: Any) -> set[str]:
    if isinstance(part, dict):
        own = part.get("$ref")
        found = {own.removeprefix(SCHEMA_PREFIX)} if isinstance(own, str) else set()
        return found.union(*map(_references, part.values()))
    if isinstance(part, list):
        return set().union(*map(_references, part))
    return set()


def main() -> None:
    """Write both reduced specifications beside this script."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--source", type=Path, required=True, metavar="DIR")
    source_dir = parser.parse_args().source
    for name, reduce in (("openapi", reduced_openapi), ("asyncapi", reduced_asyncapi)):
        text = (source_dir / f"kalshi-{name}.yaml").read_text(encoding="utf-8")
        kept = reduce(yaml.safe_load(text))
        (HERE / f"{name}.json").write_text(
            json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
