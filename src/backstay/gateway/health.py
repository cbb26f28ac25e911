"""What the gateway answers by itself: does it live, do its projects, and what it counted."""

from __future__ import annotations

import asyncio

import orjson

from backstay.gateway.hosts import ProjectTable
from backstay.gateway.model import Project
from backstay.observe.metrics import CONTENT_TYPE, Metrics
from backstay.web import Response

_JSON = ("content-type", "application/json; charset=utf-8")
READY_TIMEOUT = 5.0
"""Seconds a project has to say whether its database answers."""


def health() -> Response:
    """The process answers; nothing else is asked."""
    return Response(200, [_JSON], b'{"status":"ok"}')


async def ready(projects: ProjectTable) -> Response:
    """200 when every project's database answers or would after waking, else 503 naming them."""
    states = await asyncio.gather(*(_is_ready(project) for project in projects))
    body = {"projects": {p.name: ok for p, ok in zip(projects, states, strict=True)}}
    status = "ok" if all(states) else "unavailable"
    return Response(200 if all(states) else 503, [_JSON], orjson.dumps({"status": status, **body}))


async def _is_ready(project: Project) -> bool:
    try:
        return await asyncio.wait_for(project.ready(), READY_TIMEOUT)
    except Exception:
        # Whatever keeps a project from saying that it is ready means that it is not.
        return False


def metrics(counted: Metrics) -> Response:
    """Everything counted, for Prometheus."""
    return Response(200, [("content-type", CONTENT_TYPE)], counted.render())
