"""Results of evalplus: eval_results.json, with a list of graded programs for each task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from isoflop.errors import BadRuns
from isoflop.sources.sample_logs.parsed import NotASample, ParsedSamples, truth

_GRADES = ("plus_status", "base_status")


def is_results(document: Any) -> bool:
    """Return whether a JSON document is evalplus's: programs by task, each with a status."""
    tasks = document.get("eval") if isinstance(document, Mapping) else None
    if not isinstance(tasks, Mapping) or not tasks:
        return False
    return all(
        isinstance(results, list) and results and all(isinstance(o, Mapping) for o in results)
        and bool(set(_GRADES) & set(results[0]))
        for results in tasks.values()
    )  # fmt: skip


def read_results(
    document: Mapping[str, Any], path: Path, collector: ParsedSamples, grade: str | None
) -> None:
    """Add the programs of a document; right is what passes the tests of evalplus, if they ran.

    Raises BadRuns for a grade that is not there.
    """
    tasks: Mapping[str, list[Mapping[str, Any]]] = document["eval"]
    name = grade or _grade_of(tasks)
    if not any(name in results for programs in tasks.values() for results in programs):
        raise BadRuns(f"{path} holds no {name!r}; its grades are {', '.join(_GRADES)}")
    other = next(g for g in _GRADES if g != name)
    collector.remark(
        f"{path.name} is of evalplus: right is read from {name}; --columns correct={other} takes "
        "the other"
    )
    for where, row in _rows(tasks, name, path):
        try:
            row["correct"] = truth(row["correct"])
        except NotASample as reason:
            collector.leave_out(str(reason), where)
            continue
        collector.add(row)


def _grade_of(tasks: Mapping[str, list[Mapping[str, Any]]]) -> str:
    statuses = [results.get("plus_status") for programs in tasks.values() for results in programs]
    return "plus_status" if all(s is not None for s in statuses) else "base_status"


def _rows(
    tasks: Mapping[str, list[Mapping[str, Any]]], name: str, path: Path
) -> Iterator[tuple[str, dict[str, Any]]]:
    lineage = path.stem.removesuffix("_eval_results").removesuffix("eval_results") or "evalplus"
    for task, programs in tasks.items():
        for i, attempt in enumerate(programs):
            status = "fail" if attempt.get(name) == "timeout" else attempt.get(name)
            solution = attempt.get("solution")
            yield (
                f"{path.name}, {task}, program {i + 1}",
                {
                    "problem": task,
                    "sample": i,
                    "lineage": lineage,
                    "correct": status,
                    "response": solution if isinstance(solution, str) else None,
                },
            )
