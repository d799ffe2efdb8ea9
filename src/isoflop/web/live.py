"""Live views: how far a study is, and the curve of a log that grows, sent as it changes."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse

from isoflop.errors import IsoflopError
from isoflop.web import pages, routes
from isoflop.web.answers import Answer, Answers
from isoflop.web.failures import FailurePage
from isoflop.web.pages import Place, address

EVERY = 1.0  # [s] between looks
LONGEST = 3600.0  # [s] of one stream; the page asks for another


@dataclass(frozen=True)
class Live:
    """The live views over the answers of one workspace."""

    answers: Answers

    def watch(self, request: Request, source: str) -> Response:
        """Show how far a study is, or the runs of a file as they come."""
        query = routes.query_of(request)
        place = Place(f"Watch · {source}", source, "watch", query)
        answer, failure = None, None
        try:
            answer = self._look(source)
        except IsoflopError as reason:
            failure = FailurePage("doubt", str(reason))
        page = pages.render(
            "watch.html.j2",
            place,
            sentence=_sentence(answer) if answer else source,
            failure=failure,
            answer=answer,
            body=pages.body(answer.report) if answer else "",
            events=address(source, "events", {}),
            share=(),
        )
        return HTMLResponse(page)

    async def events(self, request: Request, source: str) -> Response:
        """Send the view anew whenever what it shows has changed."""
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(
            self._changes(request, source), media_type="text/event-stream", headers=headers
        )

    async def _changes(self, request: Request, source: str) -> AsyncIterator[str]:
        last, begun = "", asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() - begun < LONGEST:
            if await request.is_disconnected():
                return
            item = await run_in_threadpool(self._item, source)
            mark = hashlib.sha256(item.encode()).hexdigest()
            yield f"id: {mark[:12]}\ndata: {item}\n\n" if mark != last else ": still there\n\n"
            last = mark
            await asyncio.sleep(EVERY)

    def _item(self, source: str) -> str:
        """Return what a page needs to show the newest state, as JSON in one line."""
        try:
            answer = self._look(source)
        except IsoflopError as reason:
            return json.dumps({"sentence": str(reason), "markup": ""})
        return json.dumps({"sentence": _sentence(answer), "markup": pages.body(answer.report)})

    def _look(self, source: str) -> Answer:
        """Return the state of a study, or of a file of runs or a log."""
        folder = self.answers.workspace
        folder.check({"runs": [source]})
        if (folder.root / source).is_dir():
            return self.answers.fresh("sweep status", {"folder": [source]})
        return self.answers.ask("runs show", {"runs": [source]})


def _sentence(answer: Answer) -> str:
    data: Any = answer.report.data
    if answer.command == "sweep status":
        return f"{data.get('finished', 0)} trials finished, {data['share']:.0%} of the FLOP done"
    return answer.report.title


def table(live: Live) -> tuple[tuple[str, Callable[..., Any], str], ...]:
    """Return the live routes."""
    return (
        ("/s/{source:path}/watch", live.watch, "GET"),
        ("/s/{source:path}/events", live.events, "GET"),
    )
