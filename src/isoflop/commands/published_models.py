"""models: published models, with sources, held against a law."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from isoflop.commands import pricing
from isoflop.commands.law_source import Level, model
from isoflop.commands.registry import Option, command
from isoflop.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterOptions:
    """Which models are shown."""

    verdict: Annotated[
        Literal["under-trained", "near", "over-trained", "unknown"] | None,
        Option("only models with this verdict"),
    ] = None
    developer: Annotated[str | None, Option("only models of this developer")] = None
    since: Annotated[int | None, Option("only models of this year and later", "YEAR")] = None
    until: Annotated[int | None, Option("only models of this year and earlier", "YEAR")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgingOptions:
    """How models are held against the law."""

    near: Annotated[float, Option("the factor of tokens per parameter that is still near")] = 2.0
    inputs: pricing.Given = None
    level: Level = None


@command(
    "models",
    section="What is known",
    example="isoflop models GPT-3 Chinchilla 'Llama 3 8B' Mistral",
)
def models(
    name: Annotated[
        tuple[str, ...], Option("models or families; all of them unless given", "NAME...")
    ] = (),
    *,
    law: Annotated[
        str, Option("the law: a saved fit, or published constants written LAW/SET", "FIT")
    ] = "chinchilla/besiroglu2024",
    judging: JudgingOptions = JudgingOptions(),
    filters: FilterOptions = FilterOptions(),
    sort: Annotated[
        Literal["year", "name", "N", "D", "C", "ratio", "wasted"], Option("in which order")
    ] = "year",
) -> Report:
    """List published models and hold them against a law.

    Every number has a source and says whether the developer disclosed it; what nobody disclosed
    is missing. The verdict compares tokens per parameter with the law's best at the same compute.
    """
    from isoflop.pages.published_models import page_of
    from isoflop.plan.model_verdicts import ModelFilter
    from isoflop.plan.model_verdicts import models as hold_against

    verdicts = hold_against(
        name,
        model(law, level=judging.level),
        near=judging.near,
        inputs=judging.inputs,
        level=judging.level,
        only=ModelFilter(
            developer=filters.developer,
            since=filters.since,
            until=filters.until,
            verdict=filters.verdict,
        ),
    )
    return page_of(verdicts.sort(sort))
