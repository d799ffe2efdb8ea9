"""The workbench as an application: pages, the JSON interface and live events behind the doors."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from isoflop.report.html import version
from isoflop.web import api, live, routes
from isoflop.web.answers import Answers
from isoflop.web.doors import DoorKeys, Doors
from isoflop.web.workspace import Workspace

SCHEMA = "/api/openapi.json"


def build(
    workspace: Workspace, keys: DoorKeys, hosts: Iterable[str], port: int, start: str = "/"
) -> Doors:
    """Return the application for a workspace, which answers at `hosts` and `port` alone."""
    return Doors(inner(workspace), keys, hosts, port, start)


class DescribedAPI(FastAPI):
    """The application with what its OpenAPI document says of our answers."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document, made once."""
        if self.openapi_schema is None:
            self.openapi_schema = api.described(super().openapi())
        return self.openapi_schema


def inner(workspace: Workspace) -> FastAPI:
    """Return what stands behind the doors; it checks nothing by itself."""
    app = DescribedAPI(
        title="isoflop", version=version(), docs_url=None, redoc_url=None, openapi_url=SCHEMA
    )
    answers = Answers(workspace)
    site = routes.Pages(answers)
    for path, endpoint, method, models in api.table(api.Interface(answers)):
        app.add_api_route(path, endpoint, methods=[method], responses=models)
    for path, endpoint, method in (*live.table(live.Live(answers)), *routes.table(site)):
        methods = ["GET", "HEAD"] if method == "GET" else [method]
        app.add_route(path, _page(endpoint), methods=methods)
    app.add_exception_handler(HTTPException, _refusal)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(Exception, _bug)
    return app


def _page(endpoint: routes.Endpoint) -> routes.Endpoint:
    """Return an endpoint that takes the parts of its address as arguments, by their names."""

    async def answer(request: Request) -> Response:
        arguments = dict(request.path_params)
        if inspect.iscoroutinefunction(endpoint):
            response: Response = await endpoint(request, **arguments)
        else:
            response = await run_in_threadpool(functools.partial(endpoint, request, **arguments))
        return response

    return answer


async def _refusal(request: Request, reason: Exception) -> Response:
    status = getattr(reason, "status_code", 400)
    detail = str(getattr(reason, "detail", reason))
    if request.url.path.startswith("/api"):
        return JSONResponse({"error": detail}, status)
    return PlainTextResponse(detail, status)


async def _unreadable(request: Request, reason: Exception) -> Response:
    """Say what of a question to the JSON interface is of another kind than it says."""
    errors = reason.errors() if isinstance(reason, RequestValidationError) else ()
    words = (f"{'.'.join(map(str, e['loc'][1:]))}: {e['msg'].lower()}" for e in errors)
    return JSONResponse({"error": "; ".join(words)[:500]}, 422)


async def _bug(request: Request, reason: Exception) -> Response:
    """Say that it is ours, without what is inside; the terminal shows where."""
    sentence = (
        f"sorry, this is a bug of isoflop ({type(reason).__name__}); the terminal shows where"
    )
    if request.url.path.startswith("/api"):
        return JSONResponse({"error": sentence}, 500)
    return PlainTextResponse(sentence, 500)
