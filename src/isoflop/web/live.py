"""Live views: how far a study is, and the curve of a log that grows, sent as it changes."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse

from isoflop.errors import IsoflopError
from isoflop.web import pages, routes
from isoflop.web.answers import Answer, Answers
from isoflop.web.failures import FailurePage
from isoflop.web.forms import FormShape, fields, suggestions, texts_of
from isoflop.web.pages import Link, Place, Query, address

EVERY = 1.0  # [s] between looks
MOST_TRIALS = 200  # that a page leads to
LONGEST = 3600.0  # [s] of one stream; the page asks for another


@dataclass(frozen=True)
class Live:
    """The live views over the answers of one workspace."""

    answers: Answers

    def watch(self, request: Request, source: str) -> Response:
        """Show how far a study is, a trial or a log against its forecast, or the runs of a file."""
        query = routes.query_of(request)
        place = Place(f"Watch · {source}", source, "watch", query)
        answer, failure = None, None
        try:
            answer = self._look(source, query)
        except IsoflopError as reason:
            failure = FailurePage("doubt", str(reason))
        is_run = answer is not None and answer.command == "watch"
        page = pages.render(
            "watch.html.j2",
            place,
            sentence=_sentence(answer) if answer else source,
            failure=failure,
            answer=answer,
            body=pages.body(answer.report) if answer else "",
            events=address(source, "events", query),
            trials=_trials(source, answer),
            fields=fields("watch", texts_of("watch", query, ()), FORM) if is_run else (),
            hidden=[("trial", text) for text in query.get("trial", ())],
            suggestions=suggestions(self.answers.workspace),
            action=address(source, "watch", {}),
            share=(),
        )
        return HTMLResponse(page)

    async def events(self, request: Request, source: str) -> Response:
        """Send the view anew whenever what it shows has changed."""
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(
            self._changes(request, source, routes.query_of(request)),
            media_type="text/event-stream",
            headers=headers,
        )

    async def _changes(self, request: Request, source: str, query: Query) -> AsyncIterator[str]:
        last, begun = "", asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() - begun < LONGEST:
            if await request.is_disconnected():
                return
            item = await run_in_threadpool(self._item, source, query)
            mark = hashlib.sha256(item.encode()).hexdigest()
            yield f"id: {mark[:12]}\ndata: {item}\n\n" if mark != last else ": still there\n\n"
            last = mark
            await asyncio.sleep(EVERY)

    def _item(self, source: str, query: Query) -> str:
        """Return what a page needs to show the newest state, as JSON in one line."""
        try:
            answer = self._look(source, query)
        except IsoflopError as reason:
            return json.dumps({"sentence": str(reason), "markup": ""})
        return json.dumps({"sentence": _sentence(answer), "markup": pages.body(answer.report)})

    def _look(self, source: str, query: Query) -> Answer:
        """Return the state of a study, of a trial or a log, or of a file of runs."""
        folder = self.answers.workspace
        trial = " ".join(query.get("trial", ()))
        folder.check({"runs": [source], "trial": [trial]})
        options = texts_of("watch", query, FORM.preset)
        if trial:
            return self.answers.look([_log_of(folder.root, f"{source}/trials/{trial}")], options)
        if (folder.root / source).is_dir():
            return self.answers.fresh("sweep status", {"study": [source]})
        try:
            return self.answers.look([source], options)
        except IsoflopError:
            if options:
                raise
            return self.answers.ask("runs show", {"runs": [source]})


FORM = FormShape(
    ("schedule", "ladder", "register", "target"),
    preset=("source", "once", "every", "replay", "webhook"),
    inputs=frozenset(),
)


def _log_of(root: Path, trial: str) -> str:
    """Return the log that the trainer of a trial writes, or its folder where that holds no one."""
    logs = sorted(path.name for path in (root / trial).glob("*.jsonl"))
    return f"{trial}/{logs[0]}" if len(logs) == 1 else trial


def _sentence(answer: Answer) -> str:
    data: Any = answer.report.data
    if answer.command == "sweep status":
        return f"{data.get('finished', 0)} trials finished, {data['share']:.0%} of the FLOP done"
    return answer.report.answer or answer.report.title


def _trials(source: str, answer: Answer | None) -> tuple[Link, ...]:
    """Return the trials of a study that run or have run, each as a link to its curve."""
    if answer is None or answer.command != "sweep status":
        return ()
    trials: Any = answer.report.data["trials"]
    return tuple(
        Link(
            address(source, "watch", {"trial": [trial["key"]]}),
            f"{trial['name']}: {trial['state']}",
        )
        for trial in trials[:MOST_TRIALS]
        if trial["done"] > 0
    )


def table(live: Live) -> tuple[tuple[str, Callable[..., Any], str], ...]:
    """Return the live routes."""
    return (
        ("/s/{source:path}/watch", live.watch, "GET"),
        ("/s/{source:path}/events", live.events, "GET"),
    )
