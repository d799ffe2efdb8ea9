"""Score tables from CSV, TSV, Parquet and JSON lines: which column is what, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from isoflop.errors import BadRuns, UnknownName, UsageError
from isoflop.quantities import parse
from isoflop.runs.cells import name_rows
from isoflop.samples.score_table import PROXY, SIZE, ScoreTable, TableSource, score_table
from isoflop.samples.simulated_scores import SAMPLE, sample_scores
from isoflop.sources.cells import CellTable, numbers, texts
from isoflop.sources.files import read_file
from isoflop.sources.packaged import PREFIX, from_sample, sample_names

# Names without case and signs, the first that there is taken.
_NAMES = {
    "prompt": (
        "prompt",
        "promptid",
        "problem",
        "problemid",
        "question",
        "questionid",
        "query",
        "instruction",
    ),
    "sample": ("sample", "sampleid", "sampleindex", "responseid", "completionid", "index"),
    "gold": ("gold", "goldscore", "goldreward", "truereward", "truescore", "correct"),
    "logprob": ("logprob", "logp", "logprobs", "logprobability", "sumlogprob", "cumulativelogprob"),
}
_PROXY = ("proxy", "score", "reward", "rm", "verifier")  # how the name of a proxy's column begins


def is_score_table(text: str) -> bool:
    """Return whether a file, or "sample:NAME", holds samples of prompts rather than runs."""
    if text.startswith(PREFIX):
        return text.removeprefix(PREFIX) in score_samples()
    if not Path(text).is_file():
        return False
    return any(_plain(name) in _NAMES["prompt"] for name in read_file(Path(text)).columns)


def refuse_unknown_sample(text: str) -> None:
    """Refuse a "sample:NAME" that there is not: one of scores, or of runs with rewards and d.

    Raises UnknownName, which names the nearest of them.
    """
    name = text.removeprefix(PREFIX)
    if not text.startswith(PREFIX) or name in (*score_samples(), *sample_names()):
        return
    of_rl = (sample for sample in sample_names() if {"R", "d"} <= set(from_sample(sample).columns))
    raise UnknownName("sample", name, (*score_samples(), *of_rl))


def score_samples() -> tuple[str, ...]:
    """Return the names of the score tables that come with the package."""
    return (SAMPLE,)


def read_scores(
    text: str, columns: Mapping[str, str] | None = None, sizes: Mapping[str, str] | None = None
) -> ScoreTable:
    """Return the score table of a file, or of "sample:NAME".

    `columns` names columns by what they are: prompt, sample, gold, logprob, and proxy_NAME for the
    score of each proxy; common names are recognised. `sizes` are the parameters of proxies.
    Raises BadRuns for a table that cannot be used, with the rows, and UsageError for a request
    that cannot be met.
    """
    if text.startswith(PREFIX):
        name = text.removeprefix(PREFIX)
        if columns:
            raise UsageError(f"--columns names the columns of a table, and {text} has its own")
        if name not in score_samples():
            raise UnknownName("sample of scores", name, score_samples())
        return _sized(sample_scores(), sizes or {})
    return _sized(understood(read_file(Path(text)), columns or {}), sizes or {})


def understood(source: CellTable, columns: Mapping[str, str]) -> ScoreTable:
    """Return the score table of a source, its columns found by name."""
    parts = _found(source, columns)
    proxies = {
        name.removeprefix(PROXY): _numbers(source, column)
        for name, column in parts.items()
        if name.startswith(PROXY)
    }
    if not proxies:
        raise BadRuns(
            f"{source.origin} holds no score of a proxy; name its column: --columns "
            f"{PROXY}NAME=COLUMN (there is {', '.join(list(source.columns)[:12])}); runs of RL "
            "with R and KL go to 'isoflop reward fit'"
        )
    if "prompt" not in parts:
        raise BadRuns(f"{source.origin} says no prompt; name its column: --columns prompt=COLUMN")
    prompt = texts(source.columns[parts["prompt"]])
    empty = np.array([not text for text in prompt])
    if empty.any():
        raise BadRuns(f"{source.origin}: the prompt is missing in {name_rows(source.rows[empty])}")
    gold = parts.get("gold")
    mass = parts.get("logprob")
    head = {k.removeprefix(SIZE): float(v) for k, v in source.conventions.items() if SIZE in k}
    return score_table(
        prompt,
        proxies,
        np.full(len(prompt), np.nan) if gold is None else _numbers(source, gold),
        sample=texts(source.columns[parts["sample"]]) if "sample" in parts else None,
        log_mass=None if mass is None else _numbers(source, mass),
        source=TableSource(
            origin=source.origin,
            rows=source.rows,
            sizes={k: v for k, v in head.items() if k in proxies},
        ),
    )


def _found(source: CellTable, columns: Mapping[str, str]) -> dict[str, str]:
    """Return the column of each part, and of each proxy under proxy_NAME."""
    names = list(source.columns)
    _check(columns, names, source.origin)
    parts = dict(columns)
    free = [name for name in names if name not in columns.values()]
    for part, aliases in _NAMES.items():
        plain = {_plain(name): name for name in reversed(free)}
        hits = [plain[name] for name in aliases if name in plain]
        if part not in parts and hits:
            parts[part] = hits[0]
            free.remove(hits[0])
    if not any(part.startswith(PROXY) for part in columns):
        proxies = [name for name in free if _plain(name).startswith(_PROXY)]
        parts |= {f"{PROXY}{name.removeprefix(PROXY)}": name for name in proxies}
    return parts


def _check(columns: Mapping[str, str], names: Sequence[str], origin: str) -> None:
    for part, column in columns.items():
        if part not in _NAMES and not part.startswith(PROXY):
            raise UnknownName("part of a score table", part, (*_NAMES, f"{PROXY}NAME"))
        if column not in names:
            raise UnknownName(f"column of {origin}", column, names)
    if doubled := [c for c in columns.values() if list(columns.values()).count(c) > 1]:
        raise UsageError(f"column {doubled[0]!r} is named twice; give each part its own")


def _numbers(source: CellTable, column: str) -> npt.NDArray[np.float64]:
    values, other = numbers(source.columns[column])
    if other.any():
        example = np.array(texts(source.columns[column]), object)[other][0]
        raise BadRuns(
            f"{source.origin}: column {column!r} holds {example[:40]!r}, which is no number, in "
            f"{name_rows(source.rows[other])}"
        )
    return values


def _sized(table: ScoreTable, sizes: Mapping[str, str]) -> ScoreTable:
    for name in sizes:
        table.score(name)
    all_sizes = {
        **table.sizes,
        **{k: parse(v, f"the size of proxy {k},") for k, v in sizes.items()},
    }
    return ScoreTable(
        prompt=table.prompt,
        prompts=table.prompts,
        sample=table.sample,
        proxies=table.proxies,
        gold=table.gold,
        log_mass=table.log_mass,
        sizes=all_sizes,
        origin=table.origin,
        rows=table.rows,
        notes=table.notes,
    )


def stacked(tables: Sequence[ScoreTable]) -> ScoreTable:
    """Return tables of the same proxies, one under the other.

    Raises BadRuns for tables whose proxies differ, or a sample that stands in two of them.
    """
    first = tables[0]
    if len(tables) == 1:
        return first
    for other in tables[1:]:
        if set(other.proxies) != set(first.proxies):
            raise BadRuns(
                f"{first.origin} holds the proxies {', '.join(first.proxies)} and {other.origin} "
                f"{', '.join(other.proxies)}; give both the same"
            )
    masses = [t.log_mass for t in tables]
    return score_table(
        np.concatenate([np.array(t.prompts, object)[t.prompt] for t in tables]),
        {k: np.concatenate([t.proxies[k] for t in tables]) for k in first.proxies},
        np.concatenate([t.gold for t in tables]),
        sample=np.concatenate([t.sample for t in tables]),
        log_mass=None if any(m is None for m in masses) else np.concatenate(masses),  # type: ignore[arg-type]
        source=TableSource(
            origin=" + ".join(dict.fromkeys(t.origin for t in tables)),
            rows=np.concatenate([t.rows for t in tables]),
            sizes={k: v for t in tables for k, v in t.sizes.items()},
        ),
    )


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())
