"""Reward curves of reinforcement learning: fit, compare and forecast them; go on, or stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from isoflop.commands.inputs import Columns, Derive, Reading, Source, Where
from isoflop.commands.registry import Option, command
from isoflop.commands.rl.reading import Level, Over, Range, Read, Seed, Start, read
from isoflop.errors import UsageError
from isoflop.quantities import quantity, show
from isoflop.report import Block, Cell, Heading, Note, Report, Table

if TYPE_CHECKING:
    from isoflop.monitor import Advice, Alarm
    from isoflop.runs import Runs

LOOKS = 12  # evaluations that a table shows


@command(
    "rl advise",
    example="isoflop rl advise sample:rl --where \"run == 'long-context-3' and hours < 9000\" "
    "--target 0.75 --budget 25k",
)
def rl_advise(
    log: Source,
    *,
    target: Annotated[str, Option("the reward that is wanted", "REWARD")],
    budget: Annotated[float, Option("the compute that there is in all, in the unit of the log")],
    step: Annotated[float | None, Option("compute whose gain is asked; a tenth of budget")] = None,
    alpha: Annotated[float, Option("the most false stops per run")] = 0.1,
    over: Over = None,
    start: Start = None,
    range_: Range = None,
    level: Level = 0.9,
    seed: Seed = 0,
    where: Where = None,
    columns: Columns = None,
    derive: Derive = (),
) -> Report:
    """Say whether to continue a run of reinforcement learning, or to stop.

    Gives the probability of reaching the target within the budget, what the next stretch of
    compute is likely to add, and alarms for truncation, groups without variance and collapse. It
    may be asked after every evaluation: of runs that would reach the target, at most alpha are
    ever told to stop.
    """
    from isoflop.monitor import advise, alarms

    reading = Reading(where, columns, derive)
    found = read(log, reading, over=over, start=start, range_=range_)
    wanted = found.share(_reward(target), "--target")
    rows = reading(log)  # alarms are of every row, also of those without an evaluation
    answers: dict[str, tuple[Advice, tuple[Alarm, ...]]] = {}
    for name, recipe, run in _by_run(found):
        said = advise(
            run, found.over, target=wanted, budget=budget, start=found.starts[recipe], step=step,
            alpha=alpha, level=level, seed=seed,
        )  # fmt: skip
        answers[name] = (said, alarms(_of(rows, name), found.over))
    unknown = [
        Note(f"R_0 of {n} is its first evaluation; --start says it better")
        for n, start in found.starts.items()
        if start is None
    ]
    blocks: list[Block] = [*map(Note, found.notes), *unknown]
    for name, _, run in _by_run(found):
        blocks += _described(name, run, *answers[name], level)
    data = {
        "over": found.over, "unit": quantity(found.over).unit, "level": level,
        "runs": {name: _as_data(*answer) for name, answer in answers.items()},
    }  # fmt: skip
    words = ", ".join(f"{name}: {a.says}" for name, (a, _) in list(answers.items())[:4])
    return Report(f"Advice: {words}", tuple(blocks), data)


def _reward(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"--target is {text!r}; it must be a reward, such as 0.6") from None


def _by_run(found: Read) -> list[tuple[str, str, Runs]]:
    """Return every run with its name and its recipe."""
    out = []
    for recipe, runs in found.by_recipe.items():
        if "run" not in runs.labels:
            out.append((recipe, recipe, runs))
            continue
        for name in dict.fromkeys(runs.groups("run").tolist()):
            out.append((str(name), recipe, runs.select(runs.labels["run"] == name)))
    return out


def _of(rows: Runs, name: str) -> Runs:
    return rows.select(rows.labels["run"] == name) if "run" in rows.labels else rows


def _described(
    name: str, run: Runs, said: Advice, warned: tuple[Alarm, ...], level: float
) -> list[Block]:
    from isoflop.commands.rl.pictures import evidence_of, forecast_of
    from isoflop.monitor.advice import STRICT
    from isoflop.monitor.alarms import unheard

    kind: Any = {"continue": "good", "stop": "doubt", "not yet known": "info"}[said.says]
    silent = unheard(run)
    unit = quantity(said.over).unit
    rows: list[tuple[Cell, ...]] = [
        (
            f"probability of reaching {said.target:g} by {show(said.budget)} {unit}",
            said.reaches,
            None,
            None,
        ),
        (f"reward at {show(said.budget)} {unit}", said.expected[0], *said.reward),
        (f"gain of the next {show(said.step)} {unit}", said.expected[1], *said.gain),
    ]
    return [
        Heading(name),
        Note(f"{said.says}: {said.why}", kind),
        *(Note(f"alarm, {a.name}: {a.says}", "doubt") for a in warned),
        *(
            [Note(f"no alarm can come from {', '.join(silent)}: the log does not hold it")]
            if silent
            else []
        ),
        Table(("of the run", "value", "low", "high"), tuple(rows), f"{level:.0%} intervals"),
        _looks(said),
        forecast_of(said, run),
        evidence_of(said, STRICT / said.alpha),
    ]


def _looks(said: Advice) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (look.at, look.reward, look.reaches, look.against, look.says)
        for look in said.looks[-LOOKS:]
    ]
    return Table(
        (
            f"at [{quantity(said.over).unit}]", "R", "reaches the target", "evidence against",
            "would have said",
        ),
        tuple(rows), "After each of the last evaluations; a stop, once said, stands.",
    )  # fmt: skip


def _as_data(said: Advice, warned: tuple[Alarm, ...]) -> dict[str, Any]:
    return {
        "says": said.says, "why": said.why, "target": said.target, "budget": said.budget,
        "reaches": said.reaches, "alpha": said.alpha,
        "reward": {"expected": said.expected[0], "interval": list(said.reward)},
        "gain": {"of": said.step, "expected": said.expected[1], "interval": list(said.gain)},
        "alarms": [{"name": a.name, "value": a.value, "says": a.says} for a in warned],
        "looks": [
            {
                "at": k.at, "R": k.reward, "reaches": k.reaches, "against": min(k.against, 1e300),
                "says": k.says,
            }
            for k in said.looks
        ],
    }  # fmt: skip
