"""Plain tables of samples: a row an attempt, its fields known by their usual names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isoflop.errors import BadRuns, UsageError, suggest
from isoflop.samples.answers import normal
from isoflop.samples.bank import SCHEMA
from isoflop.samples.sample_table import SCORE
from isoflop.sources.sample_logs.counts import count_fields
from isoflop.sources.sample_logs.parsed import (
    NotASample,
    amount_of,
    count,
    number,
    truth,
    whole,
)

NAMES: Mapping[str, tuple[str, ...]] = {
    "problem": (
        "problem",
        "problem_id",
        "question_id",
        "task_id",
        "prompt_id",
        "doc_id",
        "unique_id",
        "question",
        "prompt",
        "id",
    ),
    "sample": ("sample", "sample_id", "sample_index", "sample_idx", "attempt", "epoch", "index"),
    "correct": ("correct", "is_correct", "passed", "pass", "solved", "exact_match", "acc"),
    "answer": ("answer", "prediction", "pred", "final_answer", "extracted_answer"),
    "tokens": ("tokens", "output_tokens", "completion_tokens", "generated_tokens"),
    "prompt_tokens": ("prompt_tokens", "input_tokens"),
    "flop": ("flop", "flops"),
    "seconds": ("seconds", "latency", "time"),
    "strategy": ("strategy", "algorithm", "method"),
    "lineage": ("lineage", "model"),
    "response": ("response", "completion", "output"),
    "prompt_flop": ("prompt_flop",),
    "verifier_flop": ("verifier_flop",),
    "verifier_prompt_flop": ("verifier_prompt_flop",),
    "left_out": ("left_out",),
}
SCORES = ("score", "reward", "verifier_score", "prm", "orm")


def fields(names: list[str], columns: Mapping[str, str], origin: str) -> dict[str, str]:
    """Return the field that holds each column of a bank, "score:NAME" for verifiers.

    Raises UsageError for a column that a bank has not, or a field that is not there; BadRuns for
    a table that names no problem, says not what is right, or holds counts of samples.
    """
    counts = None if "correct" in columns else count_fields(names, {})
    if counts:
        raise BadRuns(
            f"{origin} holds counts ({counts['solved']}, {counts['tried']}), not samples; "
            "'isoflop testtime curves' and 'fit' read such a table as it is, from .csv, .tsv, "
            ".jsonl or .parquet"
        )
    valid_names = [*SCHEMA.columns, f"{SCORE}NAME"]
    for column, name in columns.items():
        if column not in SCHEMA.columns and not column.startswith(SCORE):
            raise UsageError(f"--columns says {column!r}; {suggest(column, valid_names)}")
        if name not in names:
            raise UsageError(f"{origin} has no field {name!r}; {suggest(name, names)}")
    folded = {n.lower(): n for n in reversed(names)}
    field_columns = {
        column: next(folded[u] for u in usual if u in folded)
        for column, usual in NAMES.items()
        if column not in columns and any(u in folded for u in usual)
    }
    field_columns.update({n: n for n in names if n.startswith(SCORE)})
    field_columns.update({f"{SCORE}{n}": folded[n] for n in SCORES if n in folded})
    field_columns.update(columns)
    if "problem" not in field_columns or "correct" not in field_columns:
        lacks = "problem" if "problem" not in field_columns else "correct"
        raise BadRuns(
            f"{origin} has no field for {lacks}; its fields are {', '.join(names[:12])}; name it: "
            f"--columns {lacks}=FIELD"
        )
    return field_columns


def row(record: Mapping[str, Any], by_column: Mapping[str, str]) -> dict[str, Any]:
    """Return a record as a row of the bank.

    Raises NotASample for one without a problem, or whose grade or number is none.
    """
    cells = {column: record.get(name) for column, name in by_column.items()}
    if cells["problem"] in (None, ""):
        raise NotASample("it names no problem")
    sample_row: dict[str, Any] = {}
    for column, value in cells.items():
        sample_row[column] = _cell(column, value)
    if "sample" in by_column and sample_row["sample"] is None:
        raise NotASample("the number of its sample is no whole number")
    if sample_row["correct"] is None and not sample_row.get("left_out"):
        raise NotASample("nothing says whether it is right")
    return sample_row


def _cell(column: str, value: Any) -> Any:
    if column == "correct":
        return truth(value)
    if column == "answer":
        return normal(value)
    kind = SCHEMA.kind(column)
    if column.startswith(SCORE):
        return number(value)
    if kind == "whole":
        return whole(value) if column == "sample" else count(value, column)
    if kind == "number":
        return amount_of(value, column)
    return None if value is None else str(value)
