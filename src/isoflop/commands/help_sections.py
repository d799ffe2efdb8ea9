"""What a newcomer reads of the commands: the parts of the work, in order, and the groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

PARTS: Mapping[str, tuple[str, ...]] = {
    "Begin here": ("demo", "ui", "fit", "forecast", "plan"),
    "Runs": ("runs", "import", "sweep", "audit"),
    "Laws, and how far they hold": (
        "laws",
        "compare",
        "backtest",
        "identify",
        "influence",
        "update",
        "speedup",
        "approaches",
    ),
    "Forecasts": ("schedule", "downstream", "observe", "emergence"),
    "Plans": ("reach", "serve", "shrink", "design", "lr", "shape", "flops", "cost", "wall"),
    "Runs under way": ("register", "watch", "score"),
    "After pretraining": ("reward", "rl", "testtime"),
    "What is known": ("models", "claims", "figures"),
}
OTHERS = "Others"

GROUPS: Mapping[str, str] = {
    "reward": "Reward models: how far one may be optimised before true reward falls.",
    "rl": "Reinforcement learning: fit curves of reward, compare recipes, go on or stop.",
    "runs": "Tables of runs: look at one, or write it in another format.",
    "schedule": "Learning-rate schedules: the loss along one, and the best length of a decay.",
    "sweep": "Runs of your own: studies as files, planned, run, watched and extended.",
    "testtime": "Compute at test time: what more samples buy, and how to spend them.",
}


def parts(names: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each part of the work with those of the names that belong to it, in order."""
    rest = dict.fromkeys(names)
    for part, listed in PARTS.items():
        if names_here := tuple(name for name in listed if name in rest):
            yield part, names_here
        rest = {name: None for name in rest if name not in listed}
    if rest:
        yield OTHERS, tuple(rest)
