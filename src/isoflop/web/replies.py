"""What a view of a study answers: at once what there is, the rest when it is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from isoflop import commands
from isoflop.errors import IsoflopError
from isoflop.quantities import show
from isoflop.web.answers import Answer, Answers
from isoflop.web.computations import Pending
from isoflop.web.forms import lacking
from isoflop.web.views import CHOSEN, LAW, POOL, View, fit_texts, view_texts

FAR = 10.0  # times the compute of the largest run: what a forecast or a plan begins with
QUICK = 2.0  # [s] that a page waits for what stands in until its answer is there
# What a reader asks of a view who has asked nothing yet, unless something in its place is asked.
BEGINS = {"forecast": ("N", "D"), "plan": ("C",), "serve": ("C",), "next": ("at", "count")}
IN_PLACE = {"plan": ("budget",), "serve": ("N", "L"), "next": ("budget", "within")}

Texts = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class ViewReply:
    """The answer of a view, what was asked in the reader's place, and whether more is to come.

    `answer` is None where nothing stands yet, or where the form lacks something.
    """

    answer: Answer | None
    assumed: Texts = field(default_factory=dict)
    remark: str = ""
    pending: bool = False


@dataclass(frozen=True, slots=True)
class ViewQuestion:
    """What an address asks of a source by a view."""

    view: View
    source: str
    query: Texts
    answers: Answers

    def reply(self, patience: float | None = None) -> ViewReply:
        """Return the answer; after `patience` [s] what there is of it by then.

        A forecast or a plan of which nothing is asked is asked for ten times the compute. The law
        is the pool of all that suit the runs, unless the address names one; where there is no
        pool it is chinchilla, and a remark says why.
        Raises what the command of the view raises.
        """
        texts = dict(view_texts(self.view, self.source, self.query))
        assumed: Texts = {}
        if not self._whole(texts):
            assumed = self._beginning()
            texts |= {name: list(several) for name, several in assumed.items()}
        if not self._whole(texts):
            return ViewReply(None)
        of = self._of_fit if self.view.of_fit else self._of_runs
        return replace(of(texts, patience), assumed=assumed)

    def _whole(self, texts: Texts) -> bool:
        """Return whether a view is asked enough to answer."""
        key = self.view.key
        inputs = (*self._inputs(), *IN_PLACE.get(key, ()))
        if key in BEGINS and not any(name in texts for name in inputs):
            return False
        whole = {**texts, "fit": ["fit"]} if self.view.of_fit else texts
        return not lacking(self.view.command, whole)

    def _inputs(self) -> tuple[str, ...]:
        """Return what a view begins with: of a forecast, what the law of the address takes."""
        from isoflop.law import Law

        law = Law.registry.get(" ".join(self.query.get("law", ())).strip())
        if self.view.key == "forecast" and law and set(law.takes) <= {"N", "D", "C"}:
            return law.takes
        return BEGINS.get(self.view.key, ())

    def _beginning(self) -> dict[str, list[str]]:
        """Return what is asked for a reader who has asked nothing yet."""
        import numpy as np

        if self.view.key not in BEGINS:
            return {}
        runs = self.answers.workspace.runs(self.source, fit_texts(self.source, self.query))
        values = {s: runs[s] for s in ("N", "D", "C") if s in runs and np.isfinite(runs[s]).any()}
        both = {"N", "D"} <= set(values)
        if both and "C" not in values:
            values["C"] = 6 * values["N"] * values["D"]
        ten = {s: show(FAR * float(np.nanmax(v))) for s, v in values.items()}
        if both:
            largest = int(np.nanargmax(values["N"] * values["D"]))
            ten |= {s: show(FAR**0.5 * float(values[s][largest])) for s in ("N", "D")}
            ten |= {"at": f"N={ten['N']},D={ten['D']}", "count": "4"}
        return {name: [ten[name]] for name in self._inputs() if name in ten}

    def _of_runs(self, texts: Texts, patience: float | None) -> ViewReply:
        try:
            return ViewReply(self.answers.ask(self.view.command, texts, patience))
        except Pending:
            return self._without_intervals(texts)

    def _without_intervals(self, texts: Texts) -> ViewReply:
        """Return a fit without refits while those are made; nothing for another view."""
        alone = self.view.command == "fit" and texts["law"][0] not in CHOSEN
        if alone and not texts.get("draws") and not texts.get("resample"):
            parameters = {p.name: p for p in commands.every()["fit"].parameters}
            refits = parameters["draws"].standard
            remark = f"This is the law without intervals; {refits} refits to resampled runs follow."
            quick = {k: v for k, v in texts.items() if k not in ("level", "cluster", "stratify")}
            try:
                answer = self.answers.ask("fit", {**quick, "draws": ["0"]}, QUICK)
                return ViewReply(answer, remark=remark, pending=True)
            except (Pending, IsoflopError):
                return ViewReply(None, pending=True)  # the whole fit says what is wrong
        return ViewReply(None, pending=True)

    def _of_fit(self, texts: Texts, patience: float | None) -> ViewReply:
        """Return the answer of the pool, or of the law that the address names."""
        pool = fit_texts(self.source, self.query)
        named = bool(" ".join(self.query.get("law", ())).strip())
        try:
            return ViewReply(self.answers.ask_of_fit(self.view.command, texts, pool, patience))
        except Pending:
            if named:
                return ViewReply(None, pending=True)
            remark = f"This is of {LAW} alone; the {POOL} of laws follows once they are compared."
            return self._of_one_law(texts, QUICK, remark, pending=True)
        except IsoflopError as reason:
            if named:
                raise
            remark = (
                f"There is no {POOL} of laws for these runs, so this is of {LAW} alone: {reason}"
            )
            return self._of_one_law(texts, patience, remark, pending=False)

    def _of_one_law(
        self, texts: Texts, patience: float | None, remark: str, pending: bool
    ) -> ViewReply:
        one = fit_texts(self.source, self.query, LAW)
        try:
            answer = self.answers.ask_of_fit(self.view.command, texts, one, patience)
        except Pending:
            return ViewReply(None, pending=True)
        except IsoflopError:
            if not pending:
                raise
            return ViewReply(None, pending=True)  # the pool may have an answer yet
        return ViewReply(answer, remark=remark, pending=pending)
