"""Commands asked from a page: which ones may be, their answers kept, and how each was made."""

from __future__ import annotations

import datetime
import hashlib
import json
import shlex
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from isoflop import commands
from isoflop.commands.registry import Command, Parameter
from isoflop.errors import IsoflopError, RefusedByData, UnknownName, UsageError
from isoflop.report import Report
from isoflop.report.html import version
from isoflop.web.confinement import confined
from isoflop.web.workspace import Texts, Workspace

# Commands that read and compute, and do nothing else. One that trains, writes, reaches a server or
# runs a program is not here: its page composes the line for the terminal.
ANSWERED = frozenset(
    {
        *("approaches", "audit", "backtest", "claims", "compare", "cost", "design", "downstream"),
        *("emergence", "figures", "fit", "flops", "forecast", "identify", "influence", "laws"),
        *("lr", "models", "observe", "plan", "reach", "reward fit", "reward guard", "rl advise"),
        *("rl compare", "rl fit", "rl isocompute", "runs show", "schedule fit"),
        *("schedule predict", "serve", "shape", "shrink", "speedup", "sweep status"),
        *("testtime curves", "testtime exchange", "testtime fit", "testtime policy", "update"),
        *("wall",),
    }
)
# Options that write a file, start a program or reach a server, whatever command has them.
WITHHELD = frozenset({"out", "page", "emit", "url", "check", "key_from", "assets", "html"})
KEPT = 200  # answers


@dataclass(frozen=True, slots=True)
class Answer:
    """The report of a command, and how it was made."""

    command: str
    texts: Texts
    report: Report
    digest: str
    seconds: float
    date: str = field(default_factory=lambda: _now())
    version: str = field(default_factory=version)

    @property
    def shell(self) -> str:
        """The line that gives this answer at a terminal."""
        return shell_line(self.command, self.texts)

    @property
    def python(self) -> str:
        """The lines that give this answer in Python."""
        return python_lines(self.command, self.texts)


class Answers:
    """Answers by command, texts and the state of the files they name; the oldest are forgotten."""

    def __init__(self, workspace: Workspace) -> None:
        """Answer from the files of `workspace`."""
        self.workspace = workspace
        self._known: OrderedDict[str, Answer] = OrderedDict()
        self._lock = threading.Lock()

    def ask(self, name: str, texts: Texts) -> Answer:
        """Return the answer of a command to texts by the name of a parameter.

        Raises UsageError for what a page may not ask, and what the command raises.
        """
        self._refuse(name, texts)
        key = hashlib.sha256(
            json.dumps([name, sorted(texts.items()), self.workspace.stamp(texts)]).encode()
        ).hexdigest()
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        answer = self._compute(name, texts)
        with self._lock:
            self._known[key] = answer
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        return answer

    def fresh(self, name: str, texts: Texts) -> Answer:
        """Return an answer that is computed now, whatever is known from before."""
        self._refuse(name, texts)
        return self._compute(name, texts)

    def fitted(self, texts: Texts) -> str:
        """Return the file of a fit, made now unless it was before.

        Raises what the command `fit` raises, RefusedByData for a fit that is refused.
        """
        key = json.dumps([sorted(texts.items()), self.workspace.stamp(texts)])
        path = self.workspace.scratch / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"
        if not path.exists():
            self.workspace.check(texts)
            with confined(self.workspace.root, self.workspace.scratch):
                report = commands.every()["fit"]({**texts, "out": [str(path)]})
            if report.refused:
                raise RefusedByData(refusal_of(report))
        return str(path)

    def ask_of_fit(self, name: str, texts: Texts, fit: Texts) -> Answer:
        """Return the answer of a command that takes FIT, to the fit that `fit` asks for."""
        self._refuse(name, texts)
        path = self.fitted(fit)
        key = json.dumps([name, sorted(texts.items()), path])
        with self._lock:
            if key in self._known:
                return self._known[key]
        answer = self._compute(name, texts, path, fit)
        with self._lock:
            self._known[key] = answer
        return answer

    def _refuse(self, name: str, texts: Texts) -> None:
        if name not in commands.every():
            raise UnknownName("command", name, commands.every())
        if name not in ANSWERED:
            raise UsageError(
                f"'{name}' trains, writes or reaches a server, so it is not run from a page; "
                "copy its line and run it at the terminal"
            )
        names = {p.name for p in askable(commands.every()[name])}
        if unknown := sorted(set(texts) - names):
            raise UnknownName(f"option of {name}", unknown[0], names)
        self.workspace.check(texts)

    def _compute(self, name: str, texts: Texts, path: str = "", fit: Texts | None = None) -> Answer:
        began = time.perf_counter()
        request = {"fit": [path], **texts} if path else dict(texts)
        with confined(self.workspace.root, self.workspace.scratch):
            report = commands.every()[name](request)
            digest = str(report.data.get("digest") or "") or self._digest(fit or texts)
        files = {"fit": ["fit.json"], **texts} if path else texts
        return Answer(name, files, report, digest, time.perf_counter() - began)

    def _digest(self, texts: Texts) -> str:
        """Return the hash of the runs behind an answer, else of the files that it names."""
        if source := texts.get("runs"):
            try:
                return self.workspace.runs(source[0], texts).digest
            except IsoflopError:
                return self.workspace.digest(texts)
        return self.workspace.digest(texts)


def askable(command: Command) -> tuple[Parameter, ...]:
    """Return the parameters of a command that a page may set."""
    return tuple(p for p in command.parameters if p.name not in WITHHELD)


def refusal_of(report: Report) -> str:
    """Return the first reason that a report gives for refusing an answer."""
    from isoflop.report import Remark

    notes = [b for b in report.blocks if isinstance(b, Remark)]
    reasons = [note.text for note in notes if note.kind == "refused"] or [n.text for n in notes]
    return reasons[0] if reasons else "the data cannot support this answer"


def shell_line(name: str, texts: Texts) -> str:
    """Return the line that asks a command for this at a terminal."""
    words = ["isoflop", *name.split()]
    for parameter in commands.every()[name].parameters:
        for text in texts.get(parameter.name, ()):
            if parameter.positional:
                words.append(shlex.quote(text))
            elif parameter.kind == "flag":
                words.append(parameter.shown)
            else:
                words += [parameter.shown, shlex.quote(text)]
    return " ".join(words)


def python_lines(name: str, texts: Texts) -> str:
    """Return the lines that ask a command for this in Python."""
    if name == "fit":
        return _python_fit(texts)
    request = {key: list(several) for key, several in texts.items() if several}
    return (
        "from isoflop import commands\n\n"
        f"report = commands.every()[{name!r}](\n    {request!r}\n)\nreport"
    )


_IN_PYTHON = {"convention": "conventions", "unit": "units"}
_READ = ("where", "columns", "derive", "convention", "unit")


def _python_fit(texts: Texts) -> str:
    parameters = {p.name: p for p in commands.every()["fit"].parameters}

    def options(names: Sequence[str]) -> str:
        return "".join(
            f", {_IN_PYTHON.get(name, name)}={parameters[name].read(texts[name])!r}"
            for name in names
            if texts.get(name)
        )

    rest = [name for name in parameters if name not in (*_READ, "runs", "law", "out")]
    source, law = (texts.get(name, [""])[0] for name in ("runs", "law"))
    return (
        "import isoflop as iso\n\n"
        f"runs = iso.read({source!r}{options(_READ)})\n"
        f"fit = iso.fit({law!r}, runs{options(rest)})\nfit"
    )


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")


def merged(first: Texts, second: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return texts by name, those of `second` in place of those of `first`."""
    return {k: list(v) for k, v in {**first, **second}.items() if any(t.strip() for t in v)}
