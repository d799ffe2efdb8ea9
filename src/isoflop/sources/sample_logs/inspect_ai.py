"""Logs of inspect_ai: one JSON document, or an .eval archive with a document a sample."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from isoflop.errors import BadRuns
from isoflop.files import BadJSON, TooLarge, beyond_limit, parse_json, refuse_strange
from isoflop.files.packed import zip_member
from isoflop.samples.sample_table import SCORE
from isoflop.sources.sample_logs.parsed import (
    NotASample,
    ParsedSamples,
    amount_of,
    answer_in,
    count,
    mapping,
    number,
    right_answer,
    truth,
    whole,
)

POINTS = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}


_DAMAGED = (zipfile.BadZipFile, zlib.error, OSError, NotImplementedError, EOFError)


def is_log(document: Any) -> bool:
    """Return whether a JSON document is a log of inspect_ai."""
    return isinstance(document, Mapping) and isinstance(document.get("eval"), Mapping)


def read_archive(path: Path, collector: ParsedSamples, grade: str | None) -> None:
    """Add the samples of an .eval archive; members that are no samples are counted.

    Raises BadRuns for a file that is no archive, or one without its header.
    """
    refuse_strange(path)
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            head = next((n for n in ("header.json", "_journal/start.json") if n in names), None)
            if head is None:
                raise BadRuns(f"{path} holds no header.json: it is no log of inspect_ai")
            header = mapping(parse_json(zip_member(archive, head)))
            members = sorted(n for n in names if n.startswith("samples/") and n.endswith(".json"))
            _add(header, _documents(archive, members, collector, path), collector, grade)
    except (ValueError, *_DAMAGED) as error:
        raise BadRuns(f"{path} cannot be read as an .eval archive: {error}") from None


def read_samples(
    head: Mapping[str, Any],
    samples: Iterator[Any],
    path: Path,
    parsed: ParsedSamples,
    grade: str | None,
) -> None:
    """Add the samples of a log that is one JSON document, of which `head` is all the rest."""
    count = 0

    def numbered() -> Iterator[tuple[str, Any]]:
        nonlocal count
        for sample in samples:
            count += 1
            yield f"{path.name}, sample {count}", sample

    _add(head, numbered(), parsed, grade)
    if not count:
        raise BadRuns(
            f"{path} is a log of inspect_ai without samples (status {head.get('status')})"
        )


def _documents(
    archive: zipfile.ZipFile, members: list[str], collector: ParsedSamples, path: Path
) -> Iterator[tuple[str, Any]]:
    for i, name in enumerate(members):
        collector.progress(path.stat().st_size * i / len(members))
        where = f"{path.name}, {name}"
        try:
            yield where, parse_json(zip_member(archive, name))
        except BadJSON as error:
            collector.leave_out(error.kind, where)
        except TooLarge:
            collector.leave_out(beyond_limit(), where)
        except (ValueError, *_DAMAGED):
            collector.leave_out(
                "it is not JSON, or damaged, or packed in a way that is not known", where
            )


def _add(
    header: Mapping[str, Any],
    samples: Iterator[tuple[str, Any]],
    collector: ParsedSamples,
    grade: str | None,
) -> None:
    about = mapping(header.get("eval"))
    lineage = ",".join(str(about[k]) for k in ("model", "task") if about.get(k))
    for where, sample in samples:
        try:
            row = _row(mapping(sample), grade, collector)
        except NotASample as reason:
            collector.leave_out(str(reason), where)
            continue
        row["lineage"] = lineage
        collector.add(row)
        collector.keep_problem(row, sample.get("input"), sample.get("target"))


def _row(sample: Mapping[str, Any], grade: str | None, collector: ParsedSamples) -> dict[str, Any]:
    """Return a sample of inspect_ai as a row; its epoch, from 1, is the number of the attempt."""
    epoch = whole(sample.get("epoch", 1))
    if sample.get("id") is None or not epoch:
        raise NotASample("it has no id or epoch")
    scores = mapping(sample.get("scores"))
    output, usage = mapping(sample.get("output")), _usage(sample)
    if not scores:
        raise NotASample(
            "it has no score" + (": it ended in an error" if sample.get("error") else "")
        )
    name = grade or next(iter(scores))
    if name not in scores:
        raise NotASample(f"it has no score called {name!r}")
    if len(scores) > 1:
        collector.remark(
            f"right or wrong is read from the scorer {name}; another: --columns correct="
        )
    score = mapping(scores[name])
    text = output.get("completion")
    return {
        "problem": str(sample["id"]),
        "sample": epoch - 1,
        "correct": truth(score.get("value")),
        "answer": answer_in(
            text if score.get("answer") is None else score["answer"],
            right_answer(sample.get("target")),
        ),
        "tokens": count(usage.get("output_tokens"), "tokens"),
        "prompt_tokens": count(usage.get("input_tokens"), "prompt_tokens"),
        "seconds": amount_of(sample.get("total_time"), "seconds")
        or amount_of(output.get("time"), "seconds"),
        "response": text if isinstance(text, str) else None,
        **{
            SCORE + other: _points(mapping(value).get("value"))
            for other, value in scores.items()
            if other != name
        },
    }


def _points(value: Any) -> float | None:
    """Return a score as a number; inspect_ai counts C as 1, P as a half, I and N as nothing."""
    return POINTS.get(value) if isinstance(value, str) and value in POINTS else number(value)


def _usage(sample: Mapping[str, Any]) -> Mapping[str, Any]:
    usage = mapping(mapping(sample.get("output")).get("usage"))
    by_model = list(mapping(sample.get("model_usage")).values())
    return usage or (mapping(by_model[0]) if len(by_model) == 1 else {})
