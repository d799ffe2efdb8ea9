"""Sample a small transformer for real, and say what test-time compute bought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import RefusedByData
from isoflop.experiments.testtime import Strategy, TokenBudget, name_of
from isoflop.report import Block, Cell, Heading, Paragraph, Remark, Report, Table
from isoflop.studies.reward import LEVEL, Mean
from isoflop.studies.testtime import over, signed
from isoflop.studies.testtime_forecast import FEW, CoveragePrediction, forecasts

if TYPE_CHECKING:
    from isoflop.experiments.testtime import TestTime
    from isoflop.samples.bank import SampleBank
    from isoflop.store import Study
    from isoflop.studies.testtime import ClaimEvidence, Seed


Row = tuple[Cell, ...]


def told(folder: str, study: TestTime, seconds: float) -> Report:
    """Return what a finished study says."""
    from isoflop.experiments.testtime import gather
    from isoflop.pages.testtime_study_figures import figures
    from isoflop.store import Study
    from isoflop.studies.testtime import findings, seeds_of
    from isoflop.studies.testtime_savings import saving_data, saving_table, savings

    store, first = Study.open(folder), study.seeds[0]
    bank = gather(store)
    seeds = seeds_of(bank, [study.setting.lineage(s) for s in study.seeds])
    evidence = findings(seeds, verifier := bank.verifiers[0])
    predictions, refused = forecasts(seeds, first)
    saved = savings(bank, seeds, first)
    blocks: list[Block] = [
        *(_verdict(f) for f in evidence),
        *_scored(predictions, refused),
        _contrasts(evidence, seeds),
        Paragraph(_verifiers(store, {t.key for t in study.trials()})),
        Heading("Samples in parallel"),
        _over_k(seeds),
        Heading("Strategies"),
        _strategies(seeds),
        *_forced(bank, seeds),
        *saving_table(saved),
        *figures(seeds, verifier, predictions),
        Paragraph(_hint(folder, seeds)),
    ]
    data = {**_data(evidence, seeds, predictions, seconds), "policy": saving_data(saved)}
    return Report("Test-time compute: what was seen", tuple(blocks), data)


def _verdict(claim_evidence: ClaimEvidence) -> Remark:
    words = {
        "yes": "seen",
        "no": "not seen: the data say otherwise",
        "not told": "not told either way",
    }
    parts = "; ".join(f"{c.what}: {signed(c.mean)}" for c in claim_evidence.contrasts)
    text = (
        f"{claim_evidence.claim[0].upper()}{claim_evidence.claim[1:]}: "
        f"{words[claim_evidence.saw]}. Measured: {parts}."
    )
    return Remark(text, "good" if claim_evidence.saw == "yes" else "doubt")


def _scored(
    predictions: Sequence[CoveragePrediction], refused: Mapping[str, RefusedByData]
) -> list[Block]:
    blocks: list[Block] = [
        Remark(
            f"{s.seed}: from {FEW} samples a problem, {s.way} forecast a coverage of "
            f"{s.value:.3f} ({s.low:.3f} to {s.high:.3f}) at k = {s.k}; {s.truth:.3f} came: off by "
            f"{round(s.value - s.truth, 3) + 0.0:+.3f}",
            "good" if s.inside else "doubt",
        )
        for s in predictions
    ]
    return [
        *blocks,
        *(Remark(f"{name}: no forecast; {why}", "doubt") for name, why in refused.items()),
    ]


def _contrasts(claim_evidences: Sequence[ClaimEvidence], seeds: Sequence[Seed]) -> Table:
    rows: list[Row] = [
        (f.claim, f.saw, c.what, c.mean.value, c.mean.low, c.mean.high)
        for f in claim_evidences
        for c in f.contrasts
    ]
    return Table(
        ("claim", "seen", "difference", "mean", "low", "high"),
        tuple(rows),
        f"Shares of problems: {over(seeds)}. Bins of difficulty are fifths of the problems by the "
        "pass rate of plain samples.",
    )


def _over_k(seeds: Sequence[Seed]) -> Table:
    names = list(seeds[0].curves)
    rows: list[Row] = [
        (int(k), *(_spelt(Mean.of([s.curve(n)[g] for s in seeds])) for n in names))
        for g, k in enumerate(seeds[0].k)
    ]
    return Table(
        ("k", *names),
        tuple(rows),
        f"Share of problems answered rightly by k samples: {over(seeds)}.",
    )


def _spelt(mean: Mean) -> str:
    """Return a mean and half its interval, on one line."""
    half = "" if mean.high is None else f"\u00a0±\u00a0{mean.high - mean.value:.3f}"
    return f"{mean.value:.3f}{half}"


def _strategies(seeds: Sequence[Seed]) -> Table:
    """Return what each strategy reached and cost, the best first."""
    from isoflop.studies.testtime import BINS

    strategies = sorted(seeds[0].strategies, key=lambda n: -_mean(seeds, n, "right"))
    rows: list[Row] = []
    for strategy in strategies:
        by_bin = [
            f"{np.mean([s.strategies[strategy].right[s.bins == b].mean() for s in seeds]):.2f}"
            for b in range(BINS)
        ]
        right = Mean.of([s.strategies[strategy].right.mean() for s in seeds])
        means = (_mean(seeds, strategy, what) for what in ("tokens", "flop", "verifier_flop"))
        rows.append((name_of(strategy), _spelt(right), *by_bin, *means))
    return Table(
        (
            "strategy",
            "right",
            *(str(b + 1) for b in range(BINS)),
            "tokens",
            "policy [FLOP]",
            "verifier [FLOP]",
        ),
        tuple(rows),
        "1 to 5: fifths of the problems, easy to hard. Cost by problem: prompts are counted once "
        "for policy and verifier each, and what several responses begin with as well.",
    )


def _mean(seeds: Sequence[Seed], strategy: Strategy, what: str) -> float:
    return float(np.mean([getattr(s.strategies[strategy], what).mean() for s in seeds]))


def _forced(bank: SampleBank, seeds: Sequence[Seed]) -> list[Block]:
    """Return s1's three measures of the forced budgets, up and down."""
    from isoflop.samples.budgets import performance, scaling
    from isoflop.studies.testtime import FORCED, extended, limit_of, limited

    more = [n for n in (FORCED, *extended(seeds[0])) if n in seeds[0].strategies]
    limits = limited(seeds[0])
    budgets = [float(limit_of(n)) for n in limits]
    rows: list[Row] = []
    for way, names, tokens in (
        ("longer, by more attempts", more, [_mean(seeds, n, "tokens") for n in more]),
        ("shorter, by a limit", limits, budgets),
    ):
        if len(names) > 1:
            score = [_mean(seeds, n, "right") for n in names]
            share = _kept(bank, limits, budgets) if names is limits else None
            rows.append((way, share, scaling(tokens, score), performance(score)))
    if not rows:
        return []
    return [
        Heading("Forced budgets"),
        Table(
            ("budget", "control", "scaling [share per token]", "performance"),
            tuple(rows),
            "s1's measures: the share of responses that keep to the limit, the mean slope over "
            "all pairs of budgets (in tokens used, or in tokens of the limit), and the best score.",
        ),
    ]


def _kept(bank: SampleBank, limits: Sequence[TokenBudget], budgets: Sequence[float]) -> float:
    """Return the share of responses within their limit and what asking for the answer adds."""
    from isoflop.experiments.testtime.selection import FORCED
    from isoflop.samples.budgets import control
    from isoflop.studies.testtime import lengths

    pairs = zip(limits, budgets, strict=True)
    return float(np.mean([control(lengths(bank, n), most=a + FORCED) for n, a in pairs]))


def _verifiers(study: Study, keys: set[str]) -> str:
    """Return how good the verifiers are, and what the trials took."""
    documents: list[Any] = [d.body for d in study.documents("observations") if d.name in keys]
    provenances = [document["provenance"] for document in documents]
    areas = ", ".join(f"{p['auc']:.2f}" for p in provenances)
    return (
        f"By area under the curve, the verifiers score a right response above a wrong one with "
        f"chance {areas}. The trials took {sum(p['cpu_seconds'] for p in provenances):.0f} "
        f"CPU-seconds."
    )


def _hint(folder: str, seeds: Sequence[Seed]) -> str:
    return (
        f"The samples are a bank: 'isoflop testtime curves {folder} --lineage "
        f'"{seeds[0].lineage}"\' draws their curves, and fit and policy go on from it.'
    )


def _data(
    claim_evidences: Sequence[ClaimEvidence],
    seeds: Sequence[Seed],
    predictions: Sequence[CoveragePrediction],
    seconds: float,
) -> dict[str, Any]:
    return {
        "seconds": seconds,
        "level": LEVEL,
        "findings": [
            {
                "claim": f.claim,
                "seen": f.saw,
                "differences": [
                    {"what": c.what, "mean": c.mean.value, "low": c.mean.low, "high": c.mean.high}
                    for c in f.contrasts
                ],
            }
            for f in claim_evidences
        ],
        "k": [int(k) for k in seeds[0].k],
        "curves": {n: [s.curve(n).tolist() for s in seeds] for n in seeds[0].curves},
        "strategies": {
            name_of(n): {
                "right": [float(s.strategies[n].right.mean()) for s in seeds],
                "tokens": _mean(seeds, n, "tokens"),
                "flop": _mean(seeds, n, "flop"),
                "verifier_flop": _mean(seeds, n, "verifier_flop"),
            }
            for n in seeds[0].strategies
        },
        "forecasts": [
            {
                "lineage": s.seed,
                "way": s.way,
                "k": s.k,
                "value": s.value,
                "low": s.low,
                "high": s.high,
                "truth": s.truth,
                "inside": s.inside,
            }
            for s in predictions
        ],
    }
