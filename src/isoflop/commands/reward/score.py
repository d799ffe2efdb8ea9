"""reward score: a column of scores from a reward model over HTTP, or from Hugging Face."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from isoflop.commands.registry import Option, command
from isoflop.errors import UsageError
from isoflop.pages.progress import progress
from isoflop.pages.reward_score import page_of
from isoflop.report import Report
from isoflop.terminal import say


@command(
    "reward score",
    example="isoflop reward score answers.jsonl --with http://127.0.0.1:8000/score --as rm "
    "--out scores.csv",
    minutes=True,
)
def reward_score(
    samples: Annotated[str, Option("a table with the texts prompt and response", "TABLE")],
    *,
    with_: Annotated[str, Option("http://... or hf:MODEL", "SCORER")],
    as_: Annotated[str, Option("name of the proxy; gold for the gold score", "NAME")],
    out: Annotated[str, Option(".csv, .tsv, .jsonl or .parquet", "FILE")],
    columns: Annotated[
        Mapping[str, str] | None, Option("which column is prompt and response", "PART=COLUMN")
    ] = None,
    batch: Annotated[int, Option("samples sent at a time")] = 32,
) -> Report:
    """Score samples by a reward model.

    A scorer over HTTP is sent {"prompts": [...], "responses": [...]} and answers {"scores": [...]};
    hf:MODEL is a sequence classifier of one label, run here (extra hf). Scores are kept batch by
    batch beside FILE: the same command goes on after a kill or a fault, and no text is sent twice.
    """
    from isoflop.experiments.sampling.reward_model import scorer_of
    from isoflop.sources.files import read_file
    from isoflop.sources.scoring import save_with, scored

    if not re.fullmatch(r"\w+", as_):
        raise UsageError(f"--as {as_!r} is no name; letters, digits and _ make one")
    source, scorer = read_file(Path(samples)), scorer_of(with_)
    target = Path(f"{out}.{as_}.scores")
    name = as_ if as_ == "gold" else f"proxy_{as_}"
    with progress(name) as watch:
        score = scored(source, columns or {}, scorer, target, batch=batch, watch=watch)
    save_with(source, name, score, out)
    target.unlink(missing_ok=True)
    say(f"wrote {out}")
    return page_of(with_, name, score, out)
