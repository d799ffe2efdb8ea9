"""Scored samples as a score table, and logs of RL with a KL as runs of gold against root KL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from isoflop.errors import BadRuns, Note, UnknownName, UsageError, suggest
from isoflop.quantities import parse
from isoflop.runs import Runs
from isoflop.runs.cells import name_rows
from isoflop.samples.kl import NEGATIVE
from isoflop.sources.importers import Imported, Watch, importer, silent
from isoflop.sources.score_files import is_score_table, read_scores, stacked
from isoflop.sources.training_logs import Log, joined, known_fields, read_logs

OPTIONS = {
    "params": "parameters of proxies, such as small=1.3k; a log of RL takes its own, params=1.3k",
    "restarts": "join, or refuse, a run of RL whose steps go back",
    "tokens": "tokens of a response, of a log of RL whose KL is a mean over tokens",
}
# Names in the logs of TRL, verl and OpenRLHF, the first that there is taken. The reward that is
# optimised is the proxy's; the gold is logged by whoever has one.
_KL = (
    "KL",
    "kl",
    "objective/kl",
    "train/objective/kl",
    "train/kl",
    "actor/kl_loss",
    "critic/kl",
    "actor/reward_kl_penalty",
    "actor/ppo_kl_ref",
    "eval/kl",
)
# What TRL's GRPO, OpenRLHF and verl log under these names is a mean over tokens.
_OF_TOKENS = ("kl", "train/kl", "actor/kl_loss", "critic/kl", "actor/reward_kl_penalty", "eval/kl")
_GOLD = (
    "R",
    "gold",
    "gold_reward",
    "eval/gold_reward",
    "eval/gold",
    "gold/mean",
    "eval/reward",
    "eval_reward",
)
_PROXY = (
    "R_proxy",
    "proxy",
    "proxy_reward",
    "objective/scores",
    "train/objective/scores",
    "train/reward",
    "critic/score/mean",
    "critic/rewards/mean",
    "reward",
)


@importer("scores", "scored samples (prompt, proxies, gold), and logs of RL with a KL", OPTIONS)
def read(
    logs: Sequence[str],
    columns: Mapping[str, str],
    settings: Mapping[str, str],
    watch: Watch = silent,
) -> Imported:
    """Return a score table of files that hold prompts, or runs of logs that hold a KL.

    Raises BadRuns for files of both kinds, and for what neither can use.
    """
    for name in settings:
        if name not in OPTIONS:
            raise UsageError(f"--set knows no {name!r} of --as scores; {suggest(name, OPTIONS)}")
    kinds = [is_score_table(log) or "prompt" in columns for log in logs]
    if all(kinds):
        return _table(logs, columns, settings, watch)
    if any(kinds):
        raise BadRuns(
            f"{logs[kinds.index(True)]} holds samples of prompts and "
            f"{logs[kinds.index(False)]} none; import them apart"
        )
    return _runs(logs, columns, settings, watch)


def _table(
    logs: Sequence[str], columns: Mapping[str, str], settings: Mapping[str, str], watch: Watch
) -> Imported:
    sizes = dict(
        pair.split("=", 1) for pair in settings.get("params", "").split(";") if "=" in pair
    )
    parts = []
    for i, log in enumerate(logs, 1):
        parts.append(read_scores(log, columns, sizes))
        watch(i, len(logs))
    table = stacked(parts)
    mask = table.labelled
    rows = tuple(
        (name, table.sizes.get(name), float(score.mean()), float(score.std()))
        for name, score in table.proxies.items()
    )
    gold = (("gold", None, float(table.gold[mask].mean()), float(table.gold[mask].std())),)
    count = np.bincount(table.prompt)
    notes = (
        Note(
            "info",
            "samples",
            f"{len(table):,} samples of {len(table.prompts):,} prompts, {count.min():,} to "
            f"{count.max():,} each; {int(mask.sum()):,} have a gold score",
        ),
        *table.notes,
    )
    return Imported(
        table, ("score", "params", "mean", "spread"), (*rows, *(gold if mask.any() else ())), notes
    )


def _runs(
    logs: Sequence[str], columns: Mapping[str, str], settings: Mapping[str, str], watch: Watch
) -> Imported:
    parts, rows, notes, records = [], [], [], []
    for i, text in enumerate(logs, 1):
        records += read_logs(text)
        watch(i, len(logs))
    for log in records:
        runs, remarks = _one(log, columns, settings)
        parts.append(runs)
        notes += remarks
        has = np.isfinite(runs["R"])
        rows.append(
            (
                log.run,
                log.recipe or None,
                len(runs),
                float(runs["KL"].max()),
                float(runs["R"][has][-1]),
            )
        )
    whole = parts[0]
    for part in parts[1:]:
        whole = whole + part
    return Imported(
        whole,
        ("run", "proxy", "evaluations", "largest KL", "last gold"),
        tuple(rows),
        tuple(notes),
    )


def _one(
    log: Log, columns: Mapping[str, str], settings: Mapping[str, str]
) -> tuple[Runs, list[Note]]:
    names = dict.fromkeys(k for r in log.records for k in r)
    kl = _first(names, _KL, "KL", columns)
    gold = _first(names, _GOLD, "R", columns)
    if kl is None or gold is None:
        what = "KL" if kl is None else "gold reward"
        raise BadRuns(
            f"{log.origin} holds no {what} that is known by name; name its field: --columns "
            f"{'KL' if kl is None else 'R'}=FIELD (there is {', '.join(list(names)[:12])})"
        )
    history = joined(log, _step(log, names, columns), settings.get("restarts", "join"))
    proxy = _first(names, _PROXY, "R_proxy", columns)
    read = {
        symbol: np.array([_number(record.get(field)) for record in history.records])
        for symbol, field in (("KL", kl), ("R", gold), ("R_proxy", proxy))
        if field is not None
    }
    if "tokens" in settings:
        read["KL"] *= parse(settings["tokens"], "--set tokens")
    lines = np.array(history.lines, np.int64)
    mask = np.isfinite(read["KL"]) & np.isfinite(read["R"])
    if not (mask & (np.array(history.steps) > 0)).any():
        raise BadRuns(f"{log.origin}: no record of {log.run} holds both {kl!r} and {gold!r}")
    if (low := mask & (read["KL"] < 0)).any():
        raise BadRuns(f"{log.origin}: the KL is below zero in {name_rows(lines[low])}; {NEGATIVE}")
    remarks = _said(log, mask, kl, settings)
    steps = np.array(history.steps)
    first = read["R"][mask & (steps <= 0)]
    mask &= steps > 0
    cells = {s: v[mask] for s, v in read.items()}
    cells |= {"steps": steps[mask], "d": np.sqrt(cells["KL"])}
    if first.size:
        cells["start"] = np.full(len(cells["d"]), first.mean())
    if "params" in settings:
        cells["N"] = np.full(len(cells["d"]), parse(settings["params"], "--set params"))
    labels = {"run": np.full(len(cells["d"]), log.run)}
    if log.recipe:
        labels["family"] = np.full(len(cells["d"]), log.recipe)
    runs = Runs(cells, labels, origin=log.origin, rows=lines[mask])
    return runs, [*history.notes, *remarks]


def _said(
    log: Log, mask: npt.NDArray[np.bool_], kl: str, settings: Mapping[str, str]
) -> list[Note]:
    """Return what is to be said of records (n,) left out, and of a KL that may be of tokens."""
    remarks = []
    if not mask.all():
        remarks.append(
            Note(
                "info",
                "left-out",
                f"{log.run}: {int((~mask).sum())} of {mask.size} records hold no KL or no gold, "
                f"and "
                "are left out",
            )
        )
    if kl in _OF_TOKENS and "tokens" not in settings:
        remarks.append(
            Note(
                "info",
                "units",
                f"{log.run}: {kl!r} is a mean over tokens in logs of TRL's GRPO, OpenRLHF and "
                f"verl; "
                "--set tokens=N, the tokens of a response, makes it the KL of responses that laws "
                "take",
            )
        )
    return remarks


def _step(log: Log, names: Mapping[str, None], columns: Mapping[str, str]) -> str:
    taken = {"steps": columns["steps"]} if "steps" in columns else {}
    step = known_fields(names, taken, log.origin, "R").by_symbol.get("steps")
    if step is None:
        raise BadRuns(f"{log.origin} says no step; name its field with --columns steps=NAME")
    return step


def _first(
    names: Mapping[str, None], aliases: Sequence[str], symbol: str, columns: Mapping[str, str]
) -> str | None:
    if symbol in columns:
        if columns[symbol] not in names:
            raise UnknownName("field", columns[symbol], names)
        return columns[symbol]
    return next((name for name in aliases if name in names), None)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")
