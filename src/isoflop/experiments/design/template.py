"""A study's file, written from a few choices, with a comment on every line that asks for one."""

from __future__ import annotations

import json
from dataclasses import dataclass

from isoflop.errors import UsageError

# isoflop's own model, small enough for a minute on two cores.
OWN_WIDTHS, OWN_DEPTHS = (8, 16, 24, 32), (1, 1, 1, 1)
OWN_BUDGETS = ("1e9", "2e9", "4e9", "8e9")
OWN_HELD_OUT = "width = 48\ndepth = 1\nD = 800_000"


@dataclass(frozen=True, slots=True)
class Choices:
    """What a new study is told; lists are texts as they stand behind an option: "64,128"."""

    name: str
    command: str | None = None
    function: str | None = None
    N: str | None = None
    width: str | None = None
    depth: str | None = None
    convention: str | None = None
    budgets: str | None = None
    tokens_per_parameter: str | None = None
    tokens: str | None = None
    ladder: bool = False
    lr: str | None = None
    seed: str | None = None
    result: str | None = None
    loss: str | None = None
    held_out: str | None = None
    engine: str = "local"


def study_text(choices: Choices) -> str:
    """Return the text of a study's file.

    Raises UsageError for choices that make no study, with what is missing.
    """
    embedded = choices.command is None and choices.function is None
    parts = [
        f"# A study: 'isoflop sweep plan FILE' says what it costs and what it can tell.\n"
        f"name = {_quoted(choices.name)}  # its runs are kept in a folder of this name",
        _trial(choices, embedded),
        _sizes(choices, embedded),
        _design(choices, embedded),
        _vary(choices),
        _held_out(choices, embedded),
        f"[engine]\nname = {_quoted(choices.engine)}  # local:8, ray, slurm",
        "[hardware]  # turns FLOP into hours and money\n"
        '# chip = "H100"\n# mfu = 0.4\n# speed = "50B"  # [FLOP/s], in place of both',
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _trial(choices: Choices, embedded: bool) -> str:
    if embedded:
        return '[trial]\nmodel = "gpt"  # isoflop\'s own\ncontext = 64\nhead = 8\nevaluation = 8192'
    lines = ["[trial]"]
    if choices.command is not None:
        lines.append(f"command = {_quoted(choices.command)}")
        lines.append('# cpus = 1\n# gpus = 1\n# time_limit = "2 h"')
    else:
        lines.append(f"function = {_quoted(choices.function or '')}")
    lines.append("\n[trial.result]")
    if choices.command is not None:
        file = choices.result or "console"
        lines.append(f"file = {_quoted(file)}  # in {{folder}}, or console: what it prints")
    lines.append(f"columns = {{ L = {_quoted(choices.loss or 'L')} }}")
    lines.append('# units = { L = "nats/token" }')
    return "\n".join(lines)


def _sizes(choices: Choices, embedded: bool) -> str:
    lines = ["[sizes]"]
    if embedded and choices.width is None:
        lines += [f"width = {list(OWN_WIDTHS)}", f"depth = {list(OWN_DEPTHS)}"]
    else:
        if choices.width is None and choices.N is None:
            raise UsageError("say how large the models are: N, or width and depth")
        lines += [
            f"{name} = [{_numbers(text, name)}]"
            for name in ("N", "width", "depth")
            if (text := getattr(choices, name)) is not None
        ]
    if choices.convention is not None:
        lines.append(f"convention = {_quoted(choices.convention)}")
    elif not embedded and choices.N is not None:
        lines.append('# convention = "non-embedding"  # or "total": how N is counted')
    return "\n".join(lines)


def _design(choices: Choices, embedded: bool) -> str:
    lists = {
        name: text
        for name in ("budgets", "tokens_per_parameter", "tokens")
        if (text := getattr(choices, name)) is not None
    }
    if not lists and embedded:
        lists = {"budgets": ",".join(OWN_BUDGETS)}
    if len(lists) != 1:
        raise UsageError(
            "say how long the models are trained by one of budgets [FLOP], tokens, and "
            f"tokens per parameter; {len(lists)} are given"
        )
    ((name, text),) = lists.items()
    if name == "budgets" and choices.ladder:
        raise UsageError("a ladder goes by tokens or tokens per parameter, not by budgets")
    kind = "isoflop" if name == "budgets" else "ladder" if choices.ladder else "tokens"
    return f'[design]\nkind = "{kind}"\n{name} = [{_numbers(text, name)}]'


def _vary(choices: Choices) -> str:
    lines = [
        f"{name} = [{_numbers(text, name)}]"
        for name in ("lr", "seed")
        if (text := getattr(choices, name)) is not None
    ]
    return "\n".join(["[vary]", *lines]) if lines else ""


def _held_out(choices: Choices, embedded: bool) -> str:
    if choices.held_out is None and embedded:
        return f"[held_out]  # forecast first, trained last\n{OWN_HELD_OUT}"
    if choices.held_out is None:
        title = "# [held_out]  # a larger run, forecast first and trained last"
        return f"{title}\n# width = ...\n# D = ..."
    pairs = [pair.partition("=") for pair in choices.held_out.split(",")]
    if not all(sign and value.strip() for _, sign, value in pairs):
        raise UsageError(
            f"held out is {choices.held_out!r}; write it like width=512,depth=8,D=100M"
        )
    lines = [f"{name.strip()} = {_numbers(value, name.strip())}" for name, _, value in pairs]
    return "\n".join(["[held_out]  # forecast first, trained last", *lines])


def _numbers(text: str, what: str) -> str:
    """Return a list of numbers as TOML holds them: 10M stays a text, which the study reads."""
    items = [item.strip() for item in text.split(",")]
    if not all(items):
        raise UsageError(f"{what} is {text!r}; write numbers with commas between")
    return ", ".join(item if _is_plain(item) else _quoted(item) for item in items)


def _is_plain(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text and text[:1].isdigit() and not text.endswith(".")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
