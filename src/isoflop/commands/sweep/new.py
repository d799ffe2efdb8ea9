"""sweep new: write a study's file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from isoflop.commands.registry import Option, command
from isoflop.errors import UsageError
from isoflop.report import Paragraph, Report

if TYPE_CHECKING:
    from isoflop.experiments.design.template import Choices


@command("sweep new", example="isoflop sweep new study.toml")
def new_sweep(
    study: Annotated[str, Option("the file to write", "STUDY")],
    *,
    trainer: Annotated[
        str | None,
        Option("your command: 'python train.py --lr {lr} --tokens {D} --out {folder}'", "COMMAND"),
    ] = None,
    function: Annotated[
        str | None,
        Option("your function with @isoflop.trial: train.py:train", excludes=("trainer",)),
    ] = None,
    sizes: Annotated[
        str | None, Option("sizes N of the models, such as 10M,30M,100M", "NUMBERS")
    ] = None,
    width: Annotated[str | None, Option("widths, such as 64,128,256", "NUMBERS")] = None,
    depth: Annotated[str | None, Option("layers, as many as widths, or one", "NUMBERS")] = None,
    convention: Annotated[
        Literal["total", "non-embedding", "active"] | None, Option("how N is counted")
    ] = None,
    budgets: Annotated[
        str | None, Option("an IsoFLOP grid at these budgets [FLOP]: 1e15,1e16", "NUMBERS")
    ] = None,
    tokens: Annotated[str | None, Option("every size at these token counts", "NUMBERS")] = None,
    ratio: Annotated[
        str | None, Option("every size at these tokens per parameter: 5,20,80", "NUMBERS")
    ] = None,
    ladder: Annotated[
        bool,
        Option("one trunk a size with a decay at each of its tokens", needs=("tokens|ratio",)),
    ] = False,
    lr: Annotated[str | None, Option("learning rates", "NUMBERS")] = None,
    seeds: Annotated[str | None, Option("seeds, such as 0,1,2", "NUMBERS")] = None,
    result: Annotated[
        str | None, Option("the file in {folder} that your trainer writes", needs=("trainer",))
    ] = None,
    loss: Annotated[
        str | None,
        Option("the field of its result that holds the loss", needs=("trainer|function",)),
    ] = None,
    held_out: Annotated[
        str | None, Option("a larger run to forecast: width=512,depth=8,D=100M", "NAME=NUMBER")
    ] = None,
    engine: Annotated[str, Option("where trials run: local:8, ray, slurm", "ENGINE")] = "local",
) -> Report:
    """Write a study's file: what is trained, what varies, by which design.

    Without options it is a study of isoflop's own model, of a minute. Change it in any editor;
    'isoflop sweep plan' says what it costs and what it can tell.
    """
    from isoflop.experiments.design.template import Choices

    path = Path(study)
    if path.suffix != ".toml":
        raise UsageError(f"{study} does not end in .toml, as a study's file does")
    choices = Choices(
        name=path.stem if path.stem != "study" else "runs", command=trainer, function=function,
        N=sizes, width=width, depth=depth, convention=convention, budgets=budgets, tokens=tokens,
        tokens_per_parameter=ratio, ladder=ladder, lr=lr, seed=seeds, result=result, loss=loss,
        held_out=held_out, engine=engine,
    )  # fmt: skip
    return _written(path, choices)


def _written(path: Path, choices: Choices) -> Report:
    """Write the file, and read it back, so that what is wrong is told now."""
    from isoflop.experiments.design import StudyFile, trials_of
    from isoflop.experiments.design.template import study_text
    from isoflop.files import read_text, write_atomically

    text = study_text(choices)
    if path.exists() and read_text(path, UsageError) != text:
        raise UsageError(f"{path} is there already; name a new file, or change it in an editor")
    write_atomically(path, lambda file: file.write(text.encode()))
    try:
        trials = trials_of(StudyFile.read(path))
    except Exception:
        path.unlink()
        raise
    words = (
        f"{path} holds {len(trials)} trials; 'isoflop sweep plan {path}' says what they cost and "
        f"what they can tell, 'isoflop sweep run {path}' makes them."
    )
    data = {"file": str(path), "trials": len(trials), "text": text}
    return Report(f"Study {choices.name}", (Paragraph(words),), data)
