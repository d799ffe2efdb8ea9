"""A checklist with verdicts on a study: what may be wrong with it, why that matters, what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

# Each module registers its checks; they are made in this order.
from isoflop.assess.audit import counting, design, losses, names, training  # noqa: F401
from isoflop.assess.audit.check import CHECKS, CheckResult, Finding, Verdict, cannot, study
from isoflop.errors import BadRuns, brief
from isoflop.report.display import Displayed
from isoflop.runs import Runs, Tabular, as_runs

__all__ = ["Audit", "Finding", "Verdict", "audit"]

_ORDER: tuple[Verdict, ...] = ("fail", "warn", "cannot tell", "pass")


@dataclass(frozen=True, eq=False)
class Audit(Displayed):
    """The findings of every check, in order."""

    runs: Runs
    findings: tuple[Finding, ...]

    def _facts(self) -> Iterator[str]:
        yield f"{len(self.runs):,} runs"
        yield from (f"{verdict}={len(self.of(verdict))}" for verdict in _ORDER)
        graver = (*self.of("fail"), *self.of("warn"))
        yield from (f"{finding.check}: {brief(finding.says)[1:-1]}" for finding in graver)

    def of(self, verdict: Verdict) -> tuple[Finding, ...]:
        """Return the findings of one verdict."""
        return tuple(f for f in self.findings if f.verdict == verdict)

    @property
    def worst(self) -> Verdict:
        """The gravest verdict."""
        return next(v for v in _ORDER if self.of(v))


def audit(runs: Tabular) -> Audit:
    """Return what every check says of runs.

    A check that cannot be made says why; the others go on.
    Raises BadRuns if there are no runs.
    """
    runs = as_runs(runs)
    if not len(runs):
        raise BadRuns("there are no runs to audit")
    subject = study(runs)
    findings = []
    for name, check in CHECKS.items():
        reason = subject.lacks(check.needs) if check.needs else None
        check_result: CheckResult = cannot(reason) if reason else check.function(subject)
        findings.append(
            Finding(
                name,
                check_result.verdict,
                check_result.says,
                check.why,
                check.todo,
                check_result.rows,
            )
        )
    return Audit(runs, tuple(findings))
