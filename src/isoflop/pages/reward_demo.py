"""Over-optimise reward models for real, and say what was seen of the laws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from isoflop.pages import shows
from isoflop.pages.answer import answered
from isoflop.quantities import show
from isoflop.report import Block, Cell, Heading, Paragraph, Remark, Report, Table
from isoflop.studies.reward import Kind, Mean, ScorerArm, StudyResult, gap, trend

Row = tuple[Cell, ...]

AT = (1.0, 1.5, 2.0, 2.5)  # values of d at which RL and best-of-n are held against each other


@shows(StudyResult)
def page_of(study: StudyResult) -> Report:
    """Return what a study of over-optimisation shows: verdicts, figures, laws and their errors."""
    from isoflop.pages.reward_study_figures import figures

    choice = study.held_out_errors()
    folder = study.folder
    blocks: list[Block] = [
        *verdicts(study, choice),
        *figures(study),
        *laws_of("Best-of-n", study.chosen, choice["best-of-n"]),
        *trends(study, choice["best-of-n"]),
        *(laws_of("RL", study.by_rl, choice["RL"]) if study.by_rl else ()),
        choices(choice),
        *against_of(study),
        *variants(study),
        Paragraph(
            f"The study is in {folder}: 'isoflop reward fit {folder}' fits it, and the scores of "
            f"every bank are in {folder}/trials/*/scores.parquet for 'isoflop reward guard'."
        ),
    ]
    title = "Over-optimised reward models: what was seen"
    answer = answered(_answer(study), blocks)
    return Report(title, tuple(blocks), as_data(study, choice, study.seconds), answer=answer)


def _answer(study: StudyResult) -> str:
    """Return by how many proxies gold fell, and how far forecasts of its end were off."""
    parts = []
    for kind, arms in (("best-of-n", study.plain), ("RL", study.by_rl)):
        plain = [a for a in arms if a.simple]
        if plain:
            falls = sum(a.falls > len(a.runs) / 2 for a in plain)
            off = np.array(_misses(plain))
            error = f", forecast within {np.sqrt((off**2).mean()):.2f} rms" if off.size else ""
            parts.append(f"by {kind} {falls} of {len(plain)} proxies{error}")
    return f"Gold rises and then falls: {', '.join(parts)}"


def _form(choice: dict[str, Mean]) -> str:
    return next(iter(choice))


def verdicts(study: StudyResult, choice: Mapping[Kind, dict[str, Mean]]) -> list[Block]:
    """Return what was seen in a few sentences, good news or bad."""
    blocks: list[Block] = [_fell("Best-of-n", study.plain)]
    if plain := [a for a in study.by_rl if a.simple]:
        blocks.append(_fell("RL", plain))
    for kind, arms in study.kinds:
        if arms:
            blocks.append(_forecast_note(kind, arms))
            first, second = choice[kind].items()
            if not np.isfinite(second[1].value):
                continue
            blocks.append(
                Remark(
                    f"{kind}: {first[0]} forecasts larger KL better than {second[0]}: "
                    f"{first[1].value:.3f} against {second[1].value:.3f} [reward]."
                )
            )
    return blocks


def _fell(kind: str, arms: Sequence[ScorerArm]) -> Remark:
    falls = [a for a in arms if a.falls > len(a.runs) / 2]
    count = f"{len(falls)} of {len(arms)} proxies"
    named = f": {'; '.join(a.name for a in falls)}" if falls else ""
    return Remark(
        f"{kind}: gold rose and then lost more than a tenth of its largest gain by {count}, in "
        f"most replications{named}."
    )


def _forecast_note(kind: str, arms: Sequence[ScorerArm]) -> Remark:
    off = np.array(_misses(arms))
    if not off.size:
        return Remark(f"{kind}: too few values of KL to forecast any.", "doubt")
    return Remark(
        f"{kind}: from the lower half of the KL, the gain at its end was forecast within "
        f"{np.sqrt((off**2).mean()):.2f} (root mean square over {off.size} runs); forecasts were "
        f"{'high' if off.mean() > 0 else 'low'} by {abs(off.mean()):.2f} on average, and "
        f"{np.abs(off).max():.2f} off at worst."
    )


def _misses(arms: Sequence[ScorerArm]) -> list[float]:
    """Return forecast less what came, for every run that allows a forecast."""
    forecasts = [(run.forecast(), run) for arm in arms for run in arm.runs]
    return [forecast[1] - run.end for forecast, run in forecasts if forecast is not None]


def laws_of(title: str, arms: Sequence[ScorerArm], choice: dict[str, Mean]) -> list[Block]:
    """Return coefficients, peaks, falls and forecasts of every arm."""
    form = _form(choice)
    laws: list[Row] = []
    ends: list[Row] = []
    for a in arms:
        fitted = [run.law(form) for run in a.runs]
        alpha, beta = (
            Mean.of([float(getattr(law, p)) for law in fitted]) for p in ("alpha_R", "beta_R")
        )
        least = min(run.r2(form) for run in a.runs)
        laws.append((a.name, *alpha, *beta, *_peaks(a, form), least))
        ends.append((a.name, *_ended(a)))
    return [
        Heading(f"{title} by proxy"),
        Table(
            (
                "proxy",
                "alpha",
                "low",
                "high",
                "beta",
                "low",
                "high",
                "d*",
                "least",
                "most",
                "R², least",
            ),
            tuple(laws),
            f"{form}, fitted to each replication; means and 90% intervals over replications. d* "
            "[sqrt(nats)], where the law peaks, is the median with its range; empty: never.",
        ),
        Table(
            (
                "proxy",
                "most gold",
                "at d",
                "gold in the end",
                "low",
                "high",
                "at d",
                "forecast",
                "off by",
                "falls",
            ),
            tuple(ends),
            "Gains as measured, means over replications, the end with a 90% interval. The end is "
            "forecast by the form that the lower half of the KL chose, fitted to that half; off "
            "by: root mean square. Falls: replications that lost over a tenth of the most.",
        ),
    ]


def _peaks(arm: ScorerArm, form: str) -> Row:
    peaks = np.sort([float(run.law(form).peak_at()) for run in arm.runs])
    middle = peaks[len(peaks) // 2]
    return tuple(_finite(v) for v in (middle, peaks[0], peaks[-1]))


def _ended(arm: ScorerArm) -> Row:
    best, at = arm.mean(lambda r: r.best[1]), arm.mean(lambda r: r.best[0])
    end, far = arm.mean(lambda r: r.end), arm.mean(lambda r: r.furthest)
    forecasts = [run.forecast() for run in arm.runs]
    ends_ = [m[1] for m in forecasts if m is not None]
    off = _misses([arm])
    forecast = float(np.mean(ends_)) if ends_ else None
    miss = float(np.sqrt(np.mean(np.square(off)))) if off else None
    falls = f"{arm.falls} of {len(arm.runs)}"
    return best.value, at.value, *end, far.value, forecast, miss, falls


def trends(study: StudyResult, choice: dict[str, Mean]) -> list[Block]:
    """Return whether beta falls with size at every amount of data, and with data at every size."""
    form, rows = _form(choice), []
    for by, fixed, unit in (("N", "pairs", "pairs"), ("pairs", "N", "params")):
        for value in sorted({getattr(a, fixed) for a in study.plain}):
            arms = [a for a in study.plain if getattr(a, fixed) == value]
            both = [trend(arms, by, form, p) for p in ("alpha_R", "beta_R")]
            if both[0] is not None and both[1] is not None:
                what = "size" if by == "N" else "pairs"
                rows.append((f"{what}, at {show(value)} {unit}", *both[0], *both[1]))
    if not rows:
        return []
    return [
        Table(
            ("with", "alpha", "low", "high", "beta", "low", "high"),
            tuple(rows),
            f"Rank correlation of the coefficients of {form} with size, and with pairs: beta at -1 "
            "means that every larger, or better fed, proxy falls later.",
        )
    ]


def choices(choice: Mapping[Kind, dict[str, Mean]]) -> Table:
    """Return the candidate laws with their held-out errors."""
    rows = tuple(
        (kind, form, *error) for kind, errors in choice.items() for form, error in errors.items()
    )
    return Table(
        ("of", "form", "held-out error", "low", "high"),
        rows,
        "Each form is fitted to the lower 40-80% of d and held against the rest [reward].",
    )


def against_of(study: StudyResult) -> list[Block]:
    """Return RL less best-of-n by the same scorer, at equal KL."""
    rows: list[Row] = []
    for arm in study.by_rl:
        chosen = study.choice_of(arm.scorer)
        if chosen is None or arm.penalty:
            continue
        for d in AT:
            if d > min(chosen.grid[-1], arm.grid[-1]):
                continue
            pairs = list(zip(arm.runs, chosen.runs, strict=True))
            less = Mean.of([float(rl.at(d) - bon.at(d)) for rl, bon in pairs])
            means = (float(np.mean([run.at(d) for run in a.runs])) for a in (chosen, arm))
            rows.append((arm.name, d, d * d, *means, *less))
    if not rows:
        return []
    return [
        Heading("RL against best-of-n at equal KL"),
        Table(
            ("proxy", "d", "KL [nats]", "gold, best-of-n", "gold, RL", "difference", "low", "high"),
            tuple(rows),
            "Intervals at 90%, over replications, of the paired difference.",
        ),
    ]


def variants(study: StudyResult) -> list[Block]:
    """Return ensembles and penalties against the arm that they vary, at equal KL."""
    rows: list[Row] = []
    for _, arms in study.kinds:
        for arm in (a for a in arms if not a.simple):
            plain = [a for a in arms if a.simple and a.scorer.proxies[0] in arm.scorer.proxies]
            if plain:
                g = gap(plain, arm)
                against = f"{len(plain)} members" if len(plain) > 1 else plain[0].name
                rows.append((arm.family, against, g.upto, *g.gap))
    if not rows:
        return []
    return [
        Heading("Ensembles, and a penalty on KL"),
        Table(
            ("arm", "against", "up to d", "more gold", "low", "high"),
            tuple(rows),
            "Mean difference in gold at equal d, 90% intervals over replications. Ensembles are "
            "held against the mean of those of their members that were optimised alone.",
        ),
    ]


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def as_data(
    study: StudyResult, choice: Mapping[Kind, dict[str, Mean]], seconds: float
) -> dict[str, Any]:
    """Return a study of reward over-optimisation as JSON types."""
    return {
        "seconds": seconds,
        "forms": {
            kind: {form: [_finite(m.value), m.low, m.high] for form, m in errors.items()}
            for kind, errors in choice.items()
        },
        "arms": [_arm_data(a, _form(choice[kind])) for kind, arms in study.kinds for a in arms],
    }


def _arm_data(arm: ScorerArm, form: str) -> dict[str, Any]:
    runs = []
    for run in arm.runs:
        law, forecast = run.law(form), run.forecast()
        runs.append(
            {
                "seed": run.seed,
                "alpha": float(law.alpha_R),
                "beta": float(law.beta_R),
                "peak_at": _finite(float(law.peak_at())),
                "r2": run.r2(form),
                "most": run.best[1],
                "most_at": run.best[0],
                "end": run.end,
                "furthest": run.furthest,
                "forecast": forecast and forecast[1],
                "fell": run.fell,
            }
        )
    return {"family": arm.family, "N": arm.N, "pairs": arm.pairs, "form": form, "runs": runs}
