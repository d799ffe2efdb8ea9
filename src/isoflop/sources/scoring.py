"""Scores from a scorer outside: asked in batches, kept as they come, never asked for twice."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from isoflop.errors import BadRuns, EnvironmentFailure, NoAnswer, UnknownName, UsageError, in_words
from isoflop.files import parse_json
from isoflop.network.address import checked_address
from isoflop.network.reply import finite
from isoflop.network.server import Manners, Server, completed
from isoflop.runs import saving
from isoflop.sources.cells import CellTable, numbers, texts

# Scores of responses to prompts, in their order.
Scorer: TypeAlias = Callable[[Sequence[str], Sequence[str]], Sequence[float]]
Watch: TypeAlias = Callable[[int, int], None]

ATTEMPTS, PAUSE, TIMEOUT = 5, 0.5, 120.0  # tries, seconds before the second, seconds of patience


@dataclass(frozen=True, slots=True)
class HttpScorer:
    """A scorer over HTTP; called it waits, and `ask` lets others work meanwhile."""

    url: str
    manners: Manners

    def __call__(self, prompts: Sequence[str], responses: Sequence[str]) -> Sequence[float]:
        """Return the scores of responses to prompts."""
        return completed(self.ask(prompts, responses))

    async def ask(self, prompts: Sequence[str], responses: Sequence[str]) -> Sequence[float]:
        """Return the scores of responses to prompts.

        Raises EnvironmentFailure for a server that fails, or answers otherwise.
        """
        server = Server(self.url, self.manners, _refusal, again=False)
        try:
            return await server.post(
                "",
                {"prompts": list(prompts), "responses": list(responses)},
                lambda answer: _scores(self.url, answer, len(prompts)),
            )
        except NoAnswer as error:
            needed = (
                '{"scores": [...]} is needed' if error.lasting else "start it and run this again"
            )
            raise EnvironmentFailure(
                f"the scorer at {error}; the scores so far are kept: {needed}"
            ) from None
        finally:
            await server.close()


def http_scorer(
    url: str, *, attempts: int = ATTEMPTS, pause: float = PAUSE, timeout: float = TIMEOUT
) -> HttpScorer:
    """Return a scorer over HTTP: it posts prompts and responses, and is answered their scores.

    Sent is {"prompts": [...], "responses": [...]}, the answer {"scores": [...]}. A server that is
    busy, cannot be reached or does not answer within `timeout` [s] is asked again, each time after
    twice the pause [s].
    Raises UsageError for an address that is none.
    """
    address = checked_address(url)
    return HttpScorer(address, Manners(1, timeout, attempts, pause))


def _refusal(url: str, status: int, why: str) -> EnvironmentFailure:
    return EnvironmentFailure(f"the scorer at {url} refuses with {why}")


def _scores(url: str, answer: Any, count: int) -> Sequence[float]:
    scores = answer.get("scores") if isinstance(answer, dict) else None
    if scores is None:
        raise EnvironmentFailure(
            f'the scorer at {url} answers {str(answer)[:80]!r}; {{"scores": [...]}} is needed'
        )
    if not isinstance(scores, list) or len(scores) != count:
        raise EnvironmentFailure(
            f"the scorer at {url} was sent {count} samples and sends no such number of scores"
        )
    return scores


def scored(
    source: CellTable,
    columns: Mapping[str, str],
    scorer: Scorer,
    path: Path,
    *,
    batch: int = 32,
    watch: Watch | None = None,
) -> npt.NDArray[np.float64]:
    """Return the score (n,) of every sample, from `path` where it is known, else from the scorer.

    `columns` names the columns of texts, prompt and response. Scores are written to `path` batch
    by batch, so that a run that was killed goes on where it was.
    Raises BadRuns for a text that is missing, EnvironmentFailure for a score that is no number.
    """
    prompts, responses = (_texts(source, columns.get(p, p)) for p in ("prompt", "response"))
    if batch < 1:
        raise UsageError(f"the batch is {batch}; it must be 1 at least")
    keys = [
        hashlib.sha256(json.dumps(pair).encode()).hexdigest()[:24]
        for pair in zip(prompts, responses, strict=True)
    ]
    cache = _known(path)
    missing = list({k: i for i, k in enumerate(keys) if k not in cache}.values())
    with path.open("a") as file:
        for first in range(0, len(missing), batch):
            some = missing[first : first + batch]
            batch_scores = _asked(scorer, [prompts[i] for i in some], [responses[i] for i in some])
            for i, score in zip(some, batch_scores, strict=True):
                if math.isnan(number := finite(score)):
                    raise EnvironmentFailure(
                        f"the scorer gives {str(score)[:80]} for row {source.rows[i]}, which is no "
                        "number"
                    )
                cache[keys[i]] = number
                file.write(json.dumps({"key": keys[i], "score": number}) + "\n")
            file.flush()
            if watch is not None:
                watch(first + len(some), len(missing))
    return np.array([cache[k] for k in keys])


def _asked(scorer: Scorer, prompts: Sequence[str], responses: Sequence[str]) -> Sequence[float]:
    try:
        scores = scorer(prompts, responses)
    except Exception as error:
        raise in_words(error, "the scorer was asked; the scores so far are kept") from error
    if len(scores) != len(prompts):
        raise EnvironmentFailure(
            f"the scorer was sent {len(prompts)} samples and gave {len(scores)} scores"
        )
    return scores


def save_with(
    source: CellTable, name: str, score: npt.NDArray[np.float64], path: str | os.PathLike[str]
) -> None:
    """Write the table of a source with one column more; a column of that name is replaced."""
    columns: dict[str, Any] = {}
    labels: dict[str, Any] = {}
    for column, cells in source.columns.items():
        values, other = numbers(cells)
        if other.any():
            labels[column] = np.array(texts(cells), object)
        else:
            columns[column] = values
    columns[name] = score
    saving.save(columns, labels, dict(source.conventions), path)


def _texts(source: CellTable, column: str) -> list[str]:
    if column not in source.columns:
        raise UnknownName(f"column of {source.origin}", column, list(source.columns))
    cells = texts(source.columns[column])
    empty = [int(source.rows[i]) for i, text in enumerate(cells) if not text]
    if empty:
        raise BadRuns(f"{source.origin}: {column} is empty in row {empty[0]}; a scorer needs text")
    return cells


def _known(path: Path) -> dict[str, float]:
    """Return the scores that are kept; half a line at the end is what a kill leaves."""
    out: dict[str, float] = {}
    lines = path.read_text().splitlines() if path.exists() else []
    for line in lines:
        try:
            record = parse_json(line)
            out[record["key"]] = float(record["score"])
        except (ValueError, KeyError, TypeError):
            continue
    if lines and not path.read_text().endswith("\n"):
        with path.open("a") as file:
            file.write("\n")
    return out
