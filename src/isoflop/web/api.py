"""The JSON interface: commands, sources and rows, with the same answers as the pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from isoflop import commands
from isoflop.commands.registry import SEVERAL, Parameter, explanation
from isoflop.errors import IsoflopError
from isoflop.report import Remark
from isoflop.report.number_format import as_json
from isoflop.web import routes, runs_table
from isoflop.web.answers import ANSWERED, Answers, askable
from isoflop.web.confinement import confined
from isoflop.web.failures import status_of
from isoflop.web.forms import texts_of


class ParameterItem(BaseModel):
    """A parameter of a command."""

    name: str
    option: str
    kind: str
    help: str
    required: bool
    default: str
    choices: list[str]


class CommandItem(BaseModel):
    """A command; `answered` says that it may be asked here."""

    name: str
    summary: str
    answered: bool
    parameters: list[ParameterItem]


class SourceItem(BaseModel):
    """Runs that a command can be asked of."""

    name: str
    kind: str
    size: int


class NoteItem(BaseModel):
    """A remark that bears on trust."""

    kind: str
    text: str


class AnswerItem(BaseModel):
    """The answer of a command; `data` is what `--json` prints."""

    title: str
    refused: bool
    notes: list[NoteItem]
    data: Any
    command: str
    python: str
    date: str
    version: str
    data_sha256: str
    seconds: float


class RunsItem(BaseModel):
    """A page of a table of runs, its cells as a reader sees them."""

    columns: list[str]
    rows: list[list[str]]
    total: int
    matching: int
    page: int
    pages: int


class ErrorItem(BaseModel):
    """Why there is no answer."""

    error: str


ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorItem, "description": "what is asked cannot be understood or met"},
    401: {"description": "no key"},
    403: {"description": "another page or address asked"},
    404: {"model": ErrorItem, "description": "there is no such command"},
    422: {"model": ErrorItem, "description": "the data cannot support an answer"},
    503: {"model": ErrorItem, "description": "something outside is missing or failing"},
}
ASK = "/api/ask/{name}"
LONGEST_TEXT = 2000  # characters of a text in a query
_Text = Annotated[str, Query(max_length=LONGEST_TEXT)]


@dataclass(frozen=True)
class Interface:
    """The JSON interface over the answers of one workspace."""

    answers: Answers

    def list_commands(self) -> list[CommandItem]:
        """Return every command with its parameters."""
        return [self._command(name) for name in commands.every()]

    def _command(self, name: str) -> CommandItem:
        command = commands.every()[name]
        parameters = {p.name: p for p in command.parameters}
        items = [
            ParameterItem(
                name=p.name,
                option=p.shown,
                kind=p.kind,
                help=explanation(p, parameters),
                required=p.required,
                default=p.standard,
                choices=list(p.choices),
            )
            for p in askable(command)
        ]
        return CommandItem(
            name=name, summary=command.summary, answered=name in ANSWERED, parameters=items
        )

    def list_sources(self) -> list[SourceItem]:
        """Return the runs, studies and samples that there are."""
        entries = (*self.answers.workspace.entries(), *self.answers.workspace.samples())
        return [SourceItem(name=e.name, kind=e.kind, size=e.size) for e in entries]

    def list_runs(
        self, source: _Text, sort: _Text = "row", find: _Text = "", where: _Text = "", page: int = 1
    ) -> Response:
        """Return a page of the runs of a source, sorted by a column, or by one with a minus."""
        query = {"sort": [sort], "find": [find], "where": [where], "page": [str(page)]}
        try:
            workspace = self.answers.workspace
            with confined(workspace.root):
                runs = workspace.runs(source, runs_table.reading_of(query))
                table = runs_table.page_of(runs, query)
        except IsoflopError as reason:
            return _refusal(reason)
        item = RunsItem(
            columns=[name for name, _ in table.columns],
            rows=[list(row.cells) for row in table.rows],
            total=table.total,
            matching=table.matching,
            page=table.page,
            pages=table.pages,
        )
        return JSONResponse(item.model_dump())

    def ask(self, name: str, request: Request) -> Response:
        """Return the answer of a command; its parameters are those that /api/commands lists."""
        if name not in commands.every():
            return JSONResponse({"error": f"no command called {name[:60]!r}"}, 404)
        query = routes.query_of(request)
        try:
            names = {p.name for p in askable(commands.every()[name])}
            unknown = {k: v for k, v in query.items() if k not in names}
            answer = self.answers.ask(name, {**texts_of(name, query, ()), **unknown})
        except IsoflopError as reason:
            return _refusal(reason)
        notes = [b for b in answer.report.blocks if isinstance(b, Remark)]
        item = AnswerItem(
            title=answer.report.title,
            refused=answer.report.refused,
            notes=[NoteItem(kind=note.kind, text=note.text) for note in notes],
            data=dict(answer.report.data),
            command=answer.shell,
            python=answer.python,
            date=answer.date,
            version=answer.version,
            data_sha256=answer.digest,
            seconds=answer.seconds,
        )
        return Response(as_json(item.model_dump()), media_type="application/json")


def table(
    interface: Interface,
) -> tuple[tuple[str, Callable[..., Any], str, dict[int | str, dict[str, Any]]], ...]:
    """Return every route of the interface: address, what answers it, method and kinds of answer."""

    def answering(model: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
        return {200: {"model": model}, **ERRORS}

    return (
        ("/api/commands", interface.list_commands, "GET", {401: ERRORS[401], 403: ERRORS[403]}),
        ("/api/sources", interface.list_sources, "GET", {401: ERRORS[401], 403: ERRORS[403]}),
        ("/api/runs", interface.list_runs, "GET", answering(RunsItem)),
        (ASK, interface.ask, "GET", answering(AnswerItem)),
    )


def described(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the description of the interface with a path for each command that it answers."""
    whole = {**schema, "paths": dict(schema["paths"])}
    general = whole["paths"].pop(ASK)["get"]
    for name in sorted(ANSWERED):
        command = commands.every()[name]
        parameters = {p.name: p for p in command.parameters}
        whole["paths"][ASK.replace("{name}", quote(name))] = {
            "get": {
                **general,
                "operationId": f"ask-{name.replace(' ', '-')}",
                "summary": command.summary,
                "parameters": [
                    _parameter(p, explanation(p, parameters))
                    for p in askable(command)
                    if not p.open
                ],
            }
        }
    return whole


def _parameter(parameter: Parameter, text: str) -> dict[str, Any]:
    """Return a parameter of a command as OpenAPI describes it: texts, as at a terminal."""
    item: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT}
    if parameter.kind == "flag":
        item = {"type": "string", "enum": ["yes"]}
    elif parameter.choices:
        item = {"type": "string", "enum": list(parameter.choices)}
    if parameter.kind in SEVERAL:
        item = {"type": "array", "items": item, "minItems": 1, "maxItems": 8}
    return {
        "name": parameter.name,
        "in": "query",
        "required": parameter.required,
        "description": text,
        "schema": item,
    }


def _refusal(reason: IsoflopError) -> Response:
    return JSONResponse({"error": str(reason)}, status_of(reason))
