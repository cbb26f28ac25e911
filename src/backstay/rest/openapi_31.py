"""OpenAPI 3.1, converted from the 2.0 document so that the two never disagree.

https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

_METHODS = ("get", "post", "put", "patch", "delete", "head", "options")
_SCHEMA_KEYS = ("type", "format", "items", "enum", "default")


def convert(old: Json) -> Json:
    """The same API as an OpenAPI 3.1 document."""
    bodies, parameters = _split_bodies(old.get("parameters", {}))
    components: Json = {
        "schemas": {_key(name): _schema(each) for name, each in old["definitions"].items()},
        "parameters": {_key(name): _parameter(each) for name, each in parameters.items()},
        "requestBodies": {
            _key(name): _body(each, old["consumes"]) for name, each in bodies.items()
        },
    }
    new: Json = {
        "openapi": "3.1.0",
        "info": old["info"],
        "servers": [{"url": f"{old['schemes'][0]}://{old['host']}{old['basePath']}"}],
        "paths": {path: _path(item, old) for path, item in old["paths"].items()},
        "components": components,
        "externalDocs": old["externalDocs"],
    }
    if "security" in old:
        components["securitySchemes"] = {
            name: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            for name in old["securityDefinitions"]
        }
        new["security"] = old["security"]
    return new


def _split_bodies(parameters: Json) -> tuple[Json, Json]:
    bodies = {name: each for name, each in parameters.items() if each["in"] == "body"}
    return bodies, {name: each for name, each in parameters.items() if name not in bodies}


def _path(item: Json, old: Json) -> Json:
    return {
        method: _operation(operation, method, old)
        for method, operation in item.items()
        if method in _METHODS
    }


def _operation(operation: Json, method: str, old: Json) -> Json:
    produces: list[str] = operation.get("produces") or old["produces"]
    new: Json = {
        key: operation[key] for key in ("tags", "summary", "description") if key in operation
    }
    listed = operation.get("parameters", [])
    parameters = [_listed(each) for each in listed if not _is_body(each)]
    if parameters:
        new["parameters"] = parameters
    for body in filter(_is_body, listed):
        new["requestBody"] = (
            {"$ref": _moved(body["$ref"])} if "$ref" in body else _body(body, old["consumes"])
        )
    new["responses"] = {
        status: _response(response, produces) for status, response in operation["responses"].items()
    }
    if method == "post" and "200" in new["responses"] and "requestBody" in new:
        new["responses"]["204"] = {"description": "No Content"}
    return new


def _is_body(parameter: Json) -> bool:
    return parameter.get("in") == "body" or parameter.get("$ref", "").startswith(
        "#/parameters/body."
    )


def _listed(parameter: Json) -> Json:
    return {"$ref": _moved(parameter["$ref"])} if "$ref" in parameter else _parameter(parameter)


def _parameter(old: Json) -> Json:
    new = {key: value for key, value in old.items() if key not in _SCHEMA_KEYS}
    if new.pop("collectionFormat", "") == "multi":
        new |= {"style": "form", "explode": True}
    new["schema"] = _schema({key: old[key] for key in _SCHEMA_KEYS if key in old})
    return new


def _body(old: Json, consumes: list[str]) -> Json:
    content = {mime: {"schema": _schema(old["schema"])} for mime in consumes if ";" not in mime}
    new: Json = {"required": old["required"], "content": content}
    if "description" in old:
        new["description"] = old["description"]
    return new


def _response(old: Json, produces: list[str]) -> Json:
    if "schema" not in old:
        return {"description": old["description"]}
    content = {mime: {"schema": _schema(old["schema"])} for mime in produces if ";" not in mime}
    return {"description": old["description"], "content": content}


def _schema(old: Any) -> Any:
    """A schema with its references moved; everything else is the same in JSON Schema."""
    if isinstance(old, dict):
        return dict(_schema_entries(old))
    return [_schema(each) for each in old] if isinstance(old, list) else old


def _schema_entries(old: Json) -> Iterator[tuple[str, Any]]:
    for key, value in old.items():
        is_reference = key == "$ref" and isinstance(value, str)
        yield key, _moved(value) if is_reference else _schema(value)


def _moved(reference: str) -> str:
    """Where what ``reference`` points at stands in the new document."""
    for before, after in (
        ("#/definitions/", "#/components/schemas/"),
        ("#/parameters/body.", "#/components/requestBodies/body."),
        ("#/parameters/", "#/components/parameters/"),
    ):
        if reference.startswith(before):
            return after + _key(reference.removeprefix(before))
    return reference


def _key(name: str) -> str:
    """``name`` as 3.1 allows it for a component; other characters by their code."""
    return re.sub(r"[^a-zA-Z0-9._-]", lambda found: f"_x{ord(found[0]):04x}_", name)
