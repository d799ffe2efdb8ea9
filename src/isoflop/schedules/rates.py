"""A schedule of learning rates: one rate for every step, from a table or from a line of text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import BadRuns, UnknownName, UsageError
from isoflop.quantities import parse, show

LONGEST = 20_000_000  # steps of a schedule that is held in memory, one rate each
HIGHEST, LOWEST = 1e3, 1e-20  # no optimiser's rates lie outside, and powers of these stay finite
BEST = "best"  # what stands for a decay that is to be searched


@dataclass(frozen=True, eq=False)
class Schedule:
    """The learning rate of every step: `rates` (T + 1,) from step 0 to T.

    Warm-up, in which rates only rise, ends at step `warmup`.
    """

    name: str
    rates: Numbers
    warmup: int

    def __post_init__(self) -> None:
        """Refuse rates that no run can have."""
        after = self.rates[max(self.warmup, 1) :]
        if not after.size:
            raise BadRuns(
                f"schedule {self.name} ends at step {self.steps:,}, still warming up: that takes "
                f"{self.warmup:,} steps; say a shorter warm-up, or give a longer schedule"
            )
        wrong = ~((after >= LOWEST) & (after <= HIGHEST))
        if wrong.any():
            at = int(np.flatnonzero(wrong)[0])
            raise BadRuns(
                f"schedule {self.name} has the rate {after[at]:g} at step "
                f"{at + max(self.warmup, 1):,}; after warm-up a rate lies between {LOWEST:g} and "
                f"{HIGHEST:g}; let one that ends at zero end above it, or leave out its last step"
            )

    @property
    def steps(self) -> int:
        """The last step T."""
        return self.rates.size - 1

    @property
    def peak(self) -> float:
        """The largest rate."""
        return float(self.rates.max())


# What each kind of schedule says; the shape of a decay may be left out, and is then a line.
KINDS: Mapping[str, tuple[str, ...]] = {
    "constant": ("peak", "steps", "warmup"),
    "cosine": ("peak", "end", "steps", "warmup"),
    "linear": ("peak", "end", "steps", "warmup"),
    "wsd": ("peak", "end", "steps", "warmup", "decay", "shape"),
    "drop": ("peak", "end", "steps", "warmup", "at"),
}

# Rate as a function of x, the share of the decay that is over.
SHAPES: Mapping[str, Callable[[Numbers, float, float], Numbers]] = {
    "linear": lambda x, peak, end: peak + (end - peak) * x,
    "cosine": lambda x, peak, end: end + (peak - end) * (1 + np.cos(np.pi * x)) / 2,
    "exponential": lambda x, peak, end: peak * (end / peak) ** x,
    "1-sqrt": lambda x, peak, end: end + (peak - end) * (1 - np.sqrt(x)),
}


@dataclass(frozen=True, slots=True)
class ScheduleSpec:
    """A schedule as text says it, of which a `decay` may be left to be searched."""

    kind: str
    peak: float
    end: float
    steps: int
    warmup: int
    fall: int = 0  # steps of decay; of a drop, steps at the end
    shape: str = "linear"
    open: bool = False  # whether `decay=best` was said

    def __str__(self) -> str:
        text = f"{self.kind}:peak={self.peak:g}"
        text += "" if self.kind == "constant" else f",end={self.end:g}"
        text += f",steps={self.steps},warmup={self.warmup}"
        if self.kind == "drop":
            text += f",at={self.steps - self.fall}"
        if self.kind == "wsd":
            text += f",decay={BEST if self.open else self.fall},shape={self.shape}"
        return text

    @property
    def short(self) -> str:
        """What a legend has room for: "wsd 24k, decay 4k linear"."""
        decay = f", decay {show(self.fall)} {self.shape}" if self.kind == "wsd" else ""
        return f"{self.kind} {show(self.steps)}{decay}"

    def schedule(self, name: str = "") -> Schedule:
        """Return the rate of every step; warm-up rises in a line from zero."""
        step = np.arange(self.steps + 1, dtype=float)
        start = self.steps - self.fall
        if self.kind == "drop":
            rates = np.where(step < start, self.peak, self.end)
        elif self.fall == 0:
            rates = np.full(step.size, self.peak)
        else:
            share = np.clip((step - start) / self.fall, 0, 1)
            rates = SHAPES[self.shape](share, self.peak, self.end)
        rising = step < self.warmup
        rates[rising] = self.peak * step[rising] / self.warmup
        return Schedule(name or str(self), rates, self.warmup)


def recipe(text: str) -> ScheduleSpec:
    """Return the schedule that text writes: "cosine:peak=3e-4,end=3e-5,steps=24k,warmup=2160".

    Raises UsageError for a part that is missing, unknown or impossible.
    """
    kind, _, rest = (part.strip() for part in text.partition(":"))
    if kind not in KINDS:
        raise UnknownName("kind of schedule", kind, KINDS)
    settings = _said(text, rest, KINDS[kind])
    peak, end = (_rate(settings[k], k, text) if k in settings else 0.0 for k in ("peak", "end"))
    steps, warmup = (_whole(settings[k], k, text) for k in ("steps", "warmup"))
    end = peak if kind == "constant" else end
    shape = settings.get("shape", kind if kind in SHAPES else "linear")
    if shape not in SHAPES:
        raise UnknownName("shape of a decay", shape, SHAPES)
    if not warmup < steps <= LONGEST:
        raise UsageError(
            f"schedule {text!r} has {steps:,} steps and a warm-up of {warmup:,}; steps must be "
            f"more than that, and at most {LONGEST:,}"
        )
    if end > peak:
        raise UsageError(f"schedule {text!r} ends above its peak; these laws are of falling rates")
    spec = ScheduleSpec(
        kind=kind,
        peak=peak,
        end=end,
        steps=steps,
        warmup=warmup,
        fall=0,
        shape=shape,
        open=settings.get("decay") == BEST,
    )
    return _with_fall(spec, settings, text)


def decaying(spec: ScheduleSpec, fall: int) -> ScheduleSpec:
    """Return a recipe with another number of steps of decay."""
    return ScheduleSpec(
        kind=spec.kind,
        peak=spec.peak,
        end=spec.end,
        steps=spec.steps,
        warmup=spec.warmup,
        fall=fall,
        shape=spec.shape,
    )


def _with_fall(spec: ScheduleSpec, settings: Mapping[str, str], text: str) -> ScheduleSpec:
    if spec.open or spec.kind == "constant":
        return spec
    room = spec.steps - spec.warmup
    fall = room
    if "decay" in settings:
        fall = _whole(settings["decay"], "decay", text)
    if "at" in settings:
        fall = spec.steps - _whole(settings["at"], "at", text)
    if not 0 < fall <= room:
        raise UsageError(
            f"schedule {text!r} falls over {fall:,} steps; between the warm-up and the end there "
            f"are {room:,}"
        )
    return decaying(spec, fall)


def _said(text: str, rest: str, takes: tuple[str, ...]) -> dict[str, str]:
    settings: dict[str, str] = {}
    for part in filter(None, (p.strip() for p in rest.split(","))):
        name, sign, value = (piece.strip() for piece in part.partition("="))
        if not (sign and value):
            raise UsageError(f"schedule {text!r}: {part!r} is not of the form NAME=VALUE")
        if name not in takes:
            raise UnknownName(f"part of schedule {text!r}", name, takes)
        if name in settings:
            raise UsageError(f"schedule {text!r} says {name} twice")
        settings[name] = value
    if missing := [name for name in takes if name not in settings and name != "shape"]:
        raise UsageError(
            f"schedule {text!r} does not say {', '.join(missing)}; write it like "
            "wsd:peak=3e-4,end=3e-5,steps=24000,warmup=2160,decay=4000"
        )
    return settings


def _rate(text: str, name: str, whole: str) -> float:
    return parse(text, f"{name} of schedule {whole!r}")


def _whole(text: str, name: str, whole: str) -> int:
    if re.fullmatch("0+", text):
        return 0
    value = parse(text, f"{name} of schedule {whole!r}")
    if value != int(value):
        raise UsageError(f"{name} of schedule {whole!r} is {text}; it counts steps: a whole number")
    return int(value)
