"""What each address of the workbench shows; the table of routes is at the end."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from isoflop import commands
from isoflop.errors import IsoflopError, UsageError
from isoflop.files import largest, shown_size
from isoflop.web import exports, pages, views
from isoflop.web.answers import ANSWERED, Answer, Answers, shell_line
from isoflop.web.failures import FailurePage, failure_of, next_steps, status_of
from isoflop.web.forms import FormShape, fields, lacking, suggestions, texts_of
from isoflop.web.pages import Link, Place, Query, address
from isoflop.web.runs_view import runs_page
from isoflop.web.workspace import Workspace, safe_name

Endpoint: TypeAlias = Callable[..., Any]

AFTER = ("reward fit", "rl fit", "rl advise", "testtime curves", "testtime fit", "schedule fit")
GLOBAL_VIEWS = {"models": "models", "claims": "claims", "laws": "laws", "learn": "figures"}


@dataclass(frozen=True)
class Pages:
    """The pages over the answers of one workspace."""

    answers: Answers

    @property
    def workspace(self) -> Workspace:
        """The folder behind the answers."""
        return self.answers.workspace

    def home(self, request: Request) -> Response:
        """Show what lies in the folder, and take a file."""
        return HTMLResponse(self._home())

    def _home(self, failure: FailurePage | None = None) -> str:
        entries = [
            {
                "name": e.name,
                "kind": e.kind,
                "size": shown_size(e.size),
                "modified": datetime.datetime.fromtimestamp(e.modified).strftime("%Y-%m-%d %H:%M"),
            }
            for e in self.workspace.entries()
        ]
        return pages.render(
            "home.html.j2",
            Place(self.workspace.root.name or "/", view="home"),
            folder=self.workspace.root.name or "/",
            entries=entries,
            samples=self.workspace.samples(),
            limit=shown_size(largest()),
            others=[(name, commands.summary(name)) for name in AFTER],
            failure=failure,
        )

    async def take_file(self, request: Request) -> Response:
        """Keep a file that a reader sent in the folder, under a name of its own, if it is one."""
        try:
            async with request.form(max_files=1, max_fields=2) as form:
                upload: Any = form.get("file")
                if upload is None or isinstance(upload, str) or not upload.filename:
                    raise UsageError("no file was sent; choose one, or drop it on the page")
                data = await upload.read()
            name = await run_in_threadpool(self._keep, upload.filename, data)
        except IsoflopError as reason:
            return HTMLResponse(self._home(failure_of(reason)))
        return RedirectResponse(address(name, "columns", {}), 303)

    def _keep(self, filename: str, data: bytes) -> str:
        """Write a file into the folder; one of that name and other content stays as it is."""
        from isoflop.files import write_atomically

        name = safe_name(filename)
        path = self.workspace.root / name
        number = 2
        while path.exists() or path.is_symlink():
            if _holds(path, data):
                return path.name
            path = (
                self.workspace.root
                / f"{name.rpartition('.')[0]}-{number}.{name.rpartition('.')[2]}"
            )
            number += 1
        write_atomically(path, lambda file: file.write(data))
        return path.name

    def study(self, request: Request, source: str, view: str) -> Response:
        """Show a view of a source: its runs, its fit, a forecast, a plan."""
        query = query_of(request)
        if view == "runs":
            return HTMLResponse(runs_page(self.answers, source, query))
        if view not in views.VIEWS:
            return self.missing(request)
        return HTMLResponse(self._view(source, views.VIEWS[view], query))

    def _view(self, source: str, view: views.View, query: Query) -> str:
        answer, failure = None, None
        try:
            answer = views.ask(view, source, query, self.answers)
            if answer is None:
                failure = self._wanting(source, view, query)
        except IsoflopError as reason:
            failure = failure_of(reason, next_steps(source, query, view.key))
        place = Place(f"{view.name} · {source}", source, view.key, query)
        shape = view.shape
        state = views.carried(query)
        names = {p.name for p in commands.every()[view.command].parameters} - set(shape.preset)
        hidden = [(n, t) for n, several in state.items() if n not in names for t in several]
        return pages.render(
            "view.html.j2",
            place,
            question=view.question,
            answer=answer,
            sentence=pages.sentence(answer) if answer else "",
            action=address(source, view.key, {}),
            fields=fields(view.command, _begun(view, query), shape),
            hidden=hidden,
            suggestions=suggestions(self.workspace),
            button="Answer",
            failure=failure,
            body=_body(answer),
            share=exports.share(request_path=address(source, view.key, query), answer=answer),
            line="",
        )

    def _wanting(self, source: str, view: views.View, query: Query) -> FailurePage:
        """Return what a form lacks, with the next step as a link that can be followed at once."""
        start = views.starting(source, query, self.answers)
        ten = {k: [start[k]] for k in _TEN[view.key] if k in start} if view.key in _TEN else {}
        if view.key == "next" and {"N", "D"} <= set(start):
            ten = {"at": [f"N={start['N']},D={start['D']}"], "count": ["4"]}
        steps: tuple[Link, ...] = ()
        if ten:
            words = "Ten times the largest of these runs"
            steps = (Link(address(source, view.key, {**views.carried(query), **ten}), words),)
        return FailurePage(
            "info", "Fill in the form; what stands in it becomes the address.", steps
        )

    def command(self, request: Request, name: str) -> Response:
        """Show the form of any command, and its answer once the form holds enough."""
        if name not in commands.every():
            return self.missing(request)
        return HTMLResponse(self._command(name, query_of(request), f"/c/{name}", name))

    def _command(self, name: str, query: Query, action: str, key: str) -> str:
        texts = texts_of(name, query, ())
        answer, failure, line = None, None, ""
        if name not in ANSWERED:
            line = shell_line(name, texts)
        elif not lacking(name, texts):
            try:
                answer = self.answers.ask(name, texts)
            except IsoflopError as reason:
                failure = failure_of(reason)
        command = commands.every()[name]
        return pages.render(
            "view.html.j2",
            Place(key, view=key, query=query),
            question=command.summary,
            answer=answer,
            sentence=pages.sentence(answer) if answer else "",
            action=action,
            fields=fields(name, texts, FormShape()),
            hidden=[],
            suggestions=suggestions(self.workspace),
            button="Answer" if name in ANSWERED else "Write the line",
            failure=failure
            or (None if answer or line else FailurePage("info", f"An example: {command.example}")),
            body=_body(answer),
            share=exports.share(f"{action}?{urlencode(dict(query), doseq=True)}", answer),
            line=line,
        )

    def everywhere(self, request: Request) -> Response:
        """Show a view that belongs to no study: models, claims, laws, figures to learn from."""
        key = request.url.path.strip("/")
        return HTMLResponse(self._command(GLOBAL_VIEWS[key], query_of(request), f"/{key}", key))

    def contents(self, request: Request) -> Response:
        """List every command, or those that speak of what is looked for."""
        find = " ".join(query_of(request).get("find", ())).strip()
        names = [
            n for n in commands.every() if find.lower() in f"{n} {commands.summary(n)}".lower()
        ]
        sections = [
            (part, [(n, commands.summary(n), n in ANSWERED) for n in listed])
            for part, listed in pages.command_parts(names)
        ]
        place = Place("All commands", view="commands")
        return HTMLResponse(
            pages.render("commands.html.j2", place, sections=sections, find=find[:80])
        )

    def export(self, request: Request, kind: str, path: str) -> Response:
        """Send the answer of a view as a file: html, json, csv or svg."""
        query = query_of(request)
        try:
            answer = self._answer_at(path, query)
            return exports.response(answer, kind)
        except IsoflopError as reason:
            return PlainTextResponse(str(reason), status_of(reason))

    def _answer_at(self, path: str, query: Query) -> Answer:
        head, _, rest = path.partition("/")
        if head == "s":
            source, _, key = rest.rpartition("/")
            if key in views.VIEWS:
                answer = views.ask(views.VIEWS[key], source, query, self.answers)
                if answer is None:
                    raise UsageError("this view has no answer yet; fill in its form first")
                return answer
        name = GLOBAL_VIEWS.get(head, rest if head == "c" else "")
        return self.answers.ask(name, texts_of(name, query, ()) if name else {})

    def missing(self, request: Request) -> Response:
        """Say that nothing is here."""
        failure = FailurePage("info", "There is no such page.", (Link("/", "Home"),))
        place = Place("Nothing here")
        page = pages.render(
            "watch.html.j2",
            place,
            sentence="Nothing is here",
            failure=failure,
            answer=None,
            body="",
            events="",
            share=(),
        )
        return HTMLResponse(page, 404)


_TEN: Mapping[str, Sequence[str]] = {"forecast": ("N", "D"), "plan": ("C",), "serve": ("C",)}


def query_of(request: Request) -> dict[str, list[str]]:
    """Return the query of an address: every text by its name, in order."""
    query: dict[str, list[str]] = {}
    for name, text in request.query_params.multi_items():
        query.setdefault(name, []).append(text)
    return query


def _begun(view: views.View, query: Query) -> Mapping[str, Sequence[str]]:
    """Return what stands in the form of a view: what was asked, and what is asked anyway."""
    texts = dict(texts_of(view.command, query, view.shape.preset))
    if "law" in view.shape.first:
        texts.setdefault("law", [views.LAW])
    return texts


def _body(answer: Answer | None) -> str:
    return pages.body(answer.report) if answer else ""


def table(site: Pages) -> tuple[tuple[str, Callable[..., Any], str], ...]:
    """Return every page as its address, what answers it, and its method."""
    return (
        ("/", site.home, "GET"),
        ("/import", site.take_file, "POST"),
        ("/s/{source:path}/{view}", site.study, "GET"),
        ("/commands", site.contents, "GET"),
        ("/c/{name:path}", site.command, "GET"),
        *((f"/{key}", site.everywhere, "GET") for key in GLOBAL_VIEWS),
        ("/export/{kind}/{path:path}", site.export, "GET"),
        ("/static/{name}", static, "GET"),
    )


def static(request: Request, name: str) -> Response:
    """Send a file that every page needs."""
    if name not in _STATIC:
        return PlainTextResponse("There is no such file.", 404)
    kind, content = _static(name)
    headers = {"cache-control": "private, max-age=3600"}
    return Response(content, media_type=kind, headers=headers)


_STATIC = {
    "style.css": "text/css",
    "workbench.css": "text/css",
    "figures.js": "text/javascript",
    "workbench.js": "text/javascript",
    "plotly.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}


@functools.cache
def _static(name: str) -> tuple[str, bytes]:
    from importlib import resources

    from isoflop.report.html import asset

    if name == "plotly.js":
        from plotly.offline import get_plotlyjs

        return _STATIC[name], get_plotlyjs().encode()
    if name in ("style.css", "figures.js"):
        return _STATIC[name], asset(name).encode()  # type: ignore[arg-type]
    return _STATIC[name], (resources.files("isoflop.web") / "static" / name).read_bytes()


def _holds(path: Path, data: bytes) -> bool:
    """Return whether a file of the folder holds exactly these bytes."""
    if path.is_symlink() or not path.is_file() or path.stat().st_size != len(data):
        return False
    with path.open("rb") as file:
        return file.read(len(data)) == data
