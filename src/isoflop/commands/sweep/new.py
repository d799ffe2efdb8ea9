"""sweep new: write a study's file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from isoflop.commands.registry import Option, command
from isoflop.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTrainerOptions:
    """What trains a model, and what it writes."""

    trainer: Annotated[
        str | None,
        Option("your command: 'python train.py --lr {lr} --tokens {D} --out {folder}'", "COMMAND"),
    ] = None
    function: Annotated[
        str | None,
        Option("your function with @isoflop.trial: train.py:train", excludes=("trainer",)),
    ] = None
    result: Annotated[
        str | None, Option("the file in {folder} that your trainer writes", needs=("trainer",))
    ] = None
    loss: Annotated[
        str | None,
        Option("the field of its result that holds the loss", needs=("trainer|function",)),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeOptions:
    """The models."""

    sizes: Annotated[
        str | None, Option("sizes N of the models, such as 10M,30M,100M", "NUMBERS")
    ] = None
    width: Annotated[str | None, Option("widths, such as 64,128,256", "NUMBERS")] = None
    depth: Annotated[str | None, Option("layers, as many as widths, or one", "NUMBERS")] = None
    convention: Annotated[
        Literal["total", "non-embedding", "active"] | None, Option("how N is counted")
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutOptions:
    """What varies, and by which design."""

    budgets: Annotated[
        str | None,
        Option("an IsoFLOP grid at these budgets: 1e15,1e16 [FLOP], or '1 PF-days'", "NUMBERS"),
    ] = None
    tokens: Annotated[str | None, Option("every size at these token counts", "NUMBERS")] = None
    ratio: Annotated[
        str | None, Option("every size at these tokens per parameter: 5,20,80", "NUMBERS")
    ] = None
    ladder: Annotated[
        bool,
        Option("one trunk a size with a decay at each of its tokens", needs=("tokens|ratio",)),
    ] = False
    lr: Annotated[str | None, Option("learning rates", "NUMBERS")] = None
    seeds: Annotated[str | None, Option("seeds, such as 0,1,2", "NUMBERS")] = None
    held_out: Annotated[
        str | None, Option("a larger run to forecast: width=512,depth=8,D=100M", "NAME=NUMBER")
    ] = None


@command("sweep new", example="isoflop sweep new study.toml")
def new_sweep(
    study: Annotated[str, Option("the file to write", "STUDY")],
    *,
    trainer: OwnTrainerOptions = OwnTrainerOptions(),
    models: SizeOptions = SizeOptions(),
    layout: LayoutOptions = LayoutOptions(),
    engine: Annotated[str, Option("where trials run: local:8, ray, slurm", "ENGINE")] = "local",
) -> Report:
    """Write a study's file: what is trained, what varies, by which design.

    Without options it is a study of isoflop's own model, of a minute. Change it in any editor;
    'isoflop sweep plan' says what it costs and what it can tell.
    """
    from isoflop.experiments.design.new_study import write_study
    from isoflop.experiments.design.template import Choices
    from isoflop.pages.sweep_new import page_of

    path = Path(study)
    choices = Choices(
        name=path.stem if path.stem != "study" else "runs",
        command=trainer.trainer,
        function=trainer.function,
        N=models.sizes,
        width=models.width,
        depth=models.depth,
        convention=models.convention,
        budgets=layout.budgets,
        tokens=layout.tokens,
        tokens_per_parameter=layout.ratio,
        ladder=layout.ladder,
        lr=layout.lr,
        seed=layout.seeds,
        result=trainer.result,
        loss=trainer.loss,
        held_out=layout.held_out,
        engine=engine,
    )
    return page_of(path, write_study(path, choices))
