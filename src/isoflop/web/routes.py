"""What each address of the workbench shows; the table of routes is at the end."""

from __future__ import annotations

import dataclasses
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
from isoflop.web import cards, dials, exports, pages, views
from isoflop.web.answers import ANSWERED, Answer, Answers, shell_line
from isoflop.web.computations import Pending
from isoflop.web.failures import FailurePage, failure_of, next_steps, status_of
from isoflop.web.forms import FormShape, fields, lacking, law_field, suggestions, texts_of
from isoflop.web.pages import Link, Place, Query, address
from isoflop.web.replies import ViewQuestion, ViewReply
from isoflop.web.runs_view import runs_page
from isoflop.web.workspace import Workspace, safe_name

Endpoint: TypeAlias = Callable[..., Any]

WAITS = "wait"  # a header, or a part of an address, by which a page waits for its answer
PATIENCE = 0.4  # [s] before a page is sent without its answer, which then follows

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
            about=cards.SAMPLES,
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
        question = ViewQuestion(views.VIEWS[view], source, query, self.answers)
        return HTMLResponse(self._view(question, patience_of(request)))

    def _view(self, question: ViewQuestion, patience: float | None) -> str:
        view, source, query = question.view, question.source, question.query
        reply, failure = ViewReply(None), None
        try:
            reply = question.reply(patience)
            if reply.answer is None and not reply.pending:
                failure = FailurePage(
                    "info", "Fill in the form; what it holds becomes the address."
                )
        except IsoflopError as reason:
            failure = failure_of(reason, next_steps(source, query, view.key))
        answer = reply.answer
        texts = {**query, **reply.assumed}
        return pages.render(
            "view.html.j2",
            Place(f"{view.name} · {source}", source, view.key, query),
            question=view.question,
            answer=answer,
            sentence=pages.sentence(answer) if answer else "",
            action=address(source, view.key, {}),
            fields=(
                *([law_field(_law(query))] if view.of_fit else []),
                *fields(view.command, _begun(view, texts), _shape(view, query)),
            ),
            hidden=_hidden(view, query),
            suggestions=suggestions(self.workspace),
            button="Answer",
            failure=failure,
            remarks=_remarks(reply),
            dials=(),
            cards=cards.after(source, answer, query),
            waiting=address(source, view.key, {**query, WAITS: ["yes"]}) if reply.pending else "",
            body=_body(answer),
            share=exports.share(address(source, view.key, query), answer),
            line="",
        )

    def command(self, request: Request, name: str) -> Response:
        """Show the form of any command, and its answer once the form holds enough."""
        if name not in commands.every():
            return self.missing(request)
        return HTMLResponse(self._command(name, request, f"/c/{name}", name))

    def _command(self, name: str, request: Request, action: str, key: str) -> str:
        query = query_of(request)
        texts = asked_of(name, query)
        answer, failure, line, pending = None, None, "", False
        command = commands.every()[name]
        if name not in ANSWERED:
            line = shell_line(name, texts)
        elif lacking(name, texts):
            failure = FailurePage("info", f"An example: {command.example}")
        else:
            try:
                answer = self.answers.ask(name, texts, patience_of(request))
            except Pending:
                pending = True
            except IsoflopError as reason:
                failure = failure_of(reason)
        return pages.render(
            "view.html.j2",
            Place(key, view=key, query=query),
            question=command.summary,
            answer=answer,
            sentence=pages.sentence(answer) if answer else "",
            action=action,
            fields=fields(name, texts, FormShape(preset=("with_",) if name == "laws" else ())),
            hidden=[],
            suggestions=suggestions(self.workspace),
            button="Answer" if name in ANSWERED else "Write the line",
            failure=failure,
            remarks=(),
            dials=dials.dials(query) if name == "laws" else (),
            cards=cards.of(name, texts),
            waiting=_waiting(action, query) if pending else "",
            body="" if name == "figures" and not texts else _body(answer),  # the cards list them
            share=exports.share(f"{action}?{urlencode(dict(query), doseq=True)}", answer),
            line=line,
        )

    def everywhere(self, request: Request) -> Response:
        """Show a view that belongs to no study: models, claims, laws, figures to learn from."""
        key = request.url.path.strip("/")
        return HTMLResponse(self._command(GLOBAL_VIEWS[key], request, f"/{key}", key))

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
        """Send the answer of a view as a file, or its run as the configuration of a trainer."""
        query = query_of(request)
        try:
            answer = self._answer_at(path, query)
            if kind in exports.TRAINERS:
                return exports.configuration(kind, self.answers.configuration(answer, kind))
            return exports.response(answer, kind)
        except IsoflopError as reason:
            return PlainTextResponse(str(reason), status_of(reason))

    def _answer_at(self, path: str, query: Query) -> Answer:
        head, _, rest = path.partition("/")
        if head == "s":
            source, _, key = rest.rpartition("/")
            if key in views.VIEWS:
                answer = ViewQuestion(views.VIEWS[key], source, query, self.answers).reply().answer
                if answer is None:
                    raise UsageError("this view has no answer yet; fill in its form first")
                return answer
        name = GLOBAL_VIEWS.get(head, rest if head == "c" else "")
        return self.answers.ask(name, asked_of(name, query) if name else {})

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
            trials=(),
            fields=(),
            share=(),
        )
        return HTMLResponse(page, 404)


def asked_of(name: str, query: Query) -> Mapping[str, Sequence[str]]:
    """Return what a command is asked by an address that is of no study."""
    texts = texts_of(name, query, ())
    return dials.texts_with(texts, query) if name == "laws" else texts


def _waiting(action: str, query: Query) -> str:
    """Return the address of a page that waits for its answer."""
    return f"{action}?{urlencode({**query, WAITS: ['yes']}, doseq=True)}"


def patience_of(request: Request) -> float | None:
    """Return how long [s] a page waits for its answer; None for one that was told to wait."""
    waits = request.headers.get(WAITS) or request.query_params.get(WAITS)
    return None if waits else PATIENCE


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


def _shape(view: views.View, query: Query) -> FormShape:
    """Return the form of a view, with boxes for the inputs of its law alone."""
    from isoflop.law import Law

    law = Law.registry.get(_law(query))
    return dataclasses.replace(view.shape, inputs=frozenset(law.takes if law else ("N", "D")))


def _law(query: Query) -> str:
    return " ".join(query.get("law", ())).strip() or views.POOL


def _hidden(view: views.View, query: Query) -> list[tuple[str, str]]:
    """Return what an address carries that is in no box of the form of a view."""
    boxes = {p.name for p in commands.every()[view.command].parameters} - set(view.shape.preset)
    boxes |= {"law"} if view.of_fit else set()
    rest = views.carried(query)
    return [(name, text) for name, texts in rest.items() if name not in boxes for text in texts]


def _remarks(reply: ViewReply) -> list[str]:
    """Return what a reader should know of an answer before reading it."""
    pairs = ", ".join(f"{name} = {texts[0]}" for name, texts in reply.assumed.items())
    begun = [f"This is at ten times the compute of the largest run: {pairs}."] if pairs else []
    data = reply.answer.report.data if reply.answer else {}
    limits = [f"What decides: {', '.join(data['binding'])}."] if data.get("binding") else []
    return [*begun, *([reply.remark] if reply.remark else []), *limits]


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
    "page.js": "text/javascript",
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
    if name in ("style.css", "figures.js", "page.js"):
        return _STATIC[name], asset(name).encode()  # type: ignore[arg-type]
    return _STATIC[name], (resources.files("isoflop.web") / "static" / name).read_bytes()


def _holds(path: Path, data: bytes) -> bool:
    """Return whether a file of the folder holds exactly these bytes."""
    if path.is_symlink() or not path.is_file() or path.stat().st_size != len(data):
        return False
    with path.open("rb") as file:
        return file.read(len(data)) == data
