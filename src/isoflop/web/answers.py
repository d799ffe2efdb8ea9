"""Commands asked from a page: which ones may be, their answers kept, and how each was made."""

from __future__ import annotations

import datetime
import hashlib
import json
import secrets
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from isoflop import commands
from isoflop.commands.registry import Command, Parameter
from isoflop.errors import IsoflopError, RefusedByData, UnknownName, UsageError
from isoflop.files import read_text
from isoflop.report import Report
from isoflop.report.html import version
from isoflop.terminal import silent
from isoflop.web.computations import Computations
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
LONG = frozenset({"compare", "backtest", "influence", "approaches"})  # many fits, not one
FIT_FILE = "fit.json"  # as the lines for a terminal and for Python call the fit behind an answer
WITHHELD = frozenset(
    {"out", "page", "emit", "url", "check", "key_from", "assets", "html", "webhook"}
)


@dataclass(frozen=True, slots=True)
class Answer:
    """The report of a command, and how it was made."""

    command: str
    texts: Texts
    report: Report
    digest: str
    seconds: float
    fit: Texts | None = None  # what the law behind it was fitted by
    date: str = field(default_factory=lambda: _now())
    version: str = field(default_factory=version)

    @property
    def shell(self) -> str:
        """The lines that give this answer at a terminal."""
        line = shell_line(self.command, self.texts)
        if self.fit is None:
            return line
        return f"{shell_line('fit', {**self.fit, 'out': [FIT_FILE]})}\n{line}"

    @property
    def python(self) -> str:
        """The lines that give this answer in Python."""
        lines = python_lines(self.command, self.texts)
        if self.fit is None:
            return lines
        before = python_lines("fit", self.fit).removesuffix("\nfit")
        return f'{before}\nfit.save("{FIT_FILE}")\n\n{lines}'


class Answers:
    """Answers by command, texts and the state of the files they name; each is computed once."""

    def __init__(self, workspace: Workspace) -> None:
        """Answer from the files of `workspace`."""
        self.workspace = workspace
        self.computations = Computations()

    def ask(self, name: str, texts: Texts, patience: float | None = None) -> Answer:
        """Return the answer of a command to texts by the name of a parameter.

        Raises UsageError for what a page may not ask, what the command raises, and Pending after
        `patience` [s] where that is stated.
        """
        self._refuse(name, texts)
        if name == "fit":
            key, compute = self._key("fit", texts), lambda: self._fit(texts)[0]
        else:
            key, compute = self._key(name, texts), lambda: self._compute(name, texts)
        long = name in LONG or _chooses(texts)
        answer: Answer = self.computations.result(f"answer {key}", compute, patience, long)
        return answer

    def ask_of_fit(
        self, name: str, texts: Texts, fit: Texts, patience: float | None = None
    ) -> Answer:
        """Return the answer of a command that takes FIT, to the fit that `fit` asks for.

        Raises what `ask` raises of either, RefusedByData for a fit that is refused.
        """
        self._refuse(name, texts)
        key = self._key(name, texts) + self._key("fit", fit)

        def compute() -> Answer:
            return self._compute(name, texts, self.fitted(fit), fit)

        long = _chooses(fit)
        answer: Answer = self.computations.result(f"answer {key}", compute, patience, long)
        return answer

    def fresh(self, name: str, texts: Texts) -> Answer:
        """Return an answer that is computed now, whatever is known from before."""
        self._refuse(name, texts)
        return self._compute(name, texts)

    def look(self, source: Sequence[str], options: Texts) -> Answer:
        """Return one look at the log of a run, or at a trial, as the command `watch` makes it."""
        texts = {"source": list(source), **options, "once": ["yes"]}
        self.workspace.check(texts)
        return self._compute("watch", texts)

    def configuration(self, plan: Answer, trainer: str) -> str:
        """Return the run of a plan as the configuration of a trainer.

        Raises UsageError for the answer of another command, and what `plan --emit` raises.
        """
        if plan.command != "plan":
            raise UsageError(f"{plan.command} plans no run, so there is nothing to configure")
        fit = [self.fitted(plan.fit)] if plan.fit else list(plan.texts["fit"])
        path = self.workspace.scratch / secrets.token_hex(12)
        with confined(self.workspace.root, self.workspace.scratch), silent():
            commands.every()["plan"](
                {**plan.texts, "fit": fit, "emit": [trainer], "out": [str(path)]}
            )
        return read_text(path)

    def fitted(self, texts: Texts) -> str:
        """Return the file of a fit, made now unless it was before.

        Raises what the command `fit` raises, RefusedByData for a fit that is refused.
        """
        answer, path = self._fit(texts)
        if answer.report.refused:
            raise RefusedByData(refusal_of(answer.report))
        return path

    def _fit(self, texts: Texts) -> tuple[Answer, str]:
        """Return the answer of the command `fit`, and the file of the fit."""
        key = self._key("fit", texts)
        path = str(self.workspace.scratch / f"{key[:24]}.json")

        def compute() -> Answer:
            self.workspace.check(texts)
            return self._compute("fit", texts, out=path)

        return self.computations.part(f"fit {key}", compute), path

    def _key(self, name: str, texts: Texts) -> str:
        """Return the hash of a question and of the state of the files that it names."""
        question = [name, sorted((k, list(v)) for k, v in texts.items())]
        stamp = self.workspace.stamp(texts)
        return hashlib.sha256(json.dumps([*question, stamp]).encode()).hexdigest()

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

    def _compute(
        self, name: str, texts: Texts, path: str = "", fit: Texts | None = None, out: str = ""
    ) -> Answer:
        """Return an answer: of the fit at `path`, which `fit` asked for, or a fit kept at `out`."""
        began = time.perf_counter()
        request = {"fit": [path], **texts} if path else dict(texts)
        with confined(self.workspace.root, self.workspace.scratch), silent():
            report = commands.every()[name]({**request, "out": [out]} if out else request)
            digest = str(report.data.get("digest") or "") or self._digest(fit or texts)
        own_texts = {"fit": [FIT_FILE], **texts} if path else texts
        return Answer(name, own_texts, report, digest, time.perf_counter() - began, fit)

    def _digest(self, texts: Texts) -> str:
        """Return the hash of the runs behind an answer, else of the files that it names."""
        if source := texts.get("runs"):
            try:
                return self.workspace.runs(source[0], texts).digest
            except IsoflopError:
                return self.workspace.digest(texts)
        return self.workspace.digest(texts)


def _chooses(fit: Texts) -> bool:
    """Return whether a law is chosen by comparing many, which takes a while."""
    return any(text in ("pool", "best") for text in fit.get("law", ()))


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
    first = "import isoflop as iso\n" + ("from isoflop.assess import best\n" * (law == "best"))
    call = {"pool": "iso.pool(runs", "best": "best(runs"}.get(law, f"iso.fit({law!r}, runs")
    return (
        f"{first}\nruns = iso.read({source!r}{options(_READ)})\nfit = {call}{options(rest)})\nfit"
    )


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")


def merged(first: Texts, second: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return texts by name, those of `second` in place of those of `first`."""
    return {k: list(v) for k, v in {**first, **second}.items() if any(t.strip() for t in v)}
