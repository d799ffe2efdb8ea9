"""Serving: reading a prompt is bound by compute, generating by memory bandwidth."""

from __future__ import annotations

import math
from dataclasses import dataclass

from isoflop.accounting.architecture import Architecture
from isoflop.accounting.cost import Accelerators, accelerators, cost_notes, share
from isoflop.accounting.flop import decode_flop, prefill_flop
from isoflop.accounting.memory import Memory, bits_of, serving_memory
from isoflop.atlas import Chip, Range, Spread
from isoflop.errors import Note, UsageError


@dataclass(frozen=True, slots=True)
class Workload:
    """Requests of `prompt` tokens answered by `output` tokens, `batch` of them at a time."""

    prompt: float
    output: float
    batch: int

    def __post_init__(self) -> None:
        """Refuse a load of nothing."""
        for name in ("prompt", "output", "batch"):
            _refuse(name, getattr(self, name))

    @property
    def cached(self) -> float:
        """Tokens whose keys and values are held at the most."""
        return self.batch * (self.prompt + self.output)


@dataclass(frozen=True, slots=True)
class ServingCost:
    """What serving a workload takes on `count` chips that work as one.

    `first_token` [s] is the time to read one prompt, `per_token` [s] the time between tokens of
    one request. `input_seconds` and `output_seconds` [chip-seconds/token] are what a token costs
    of the chips; `input_money` and `output_money` [USD/1e6 tokens] in money, None without a
    price. `energy` [kWh/request] is None without a published power. `bound` is what limits
    generation, "bandwidth" or "compute", and `utilisation` what share of the peak it reaches.
    """

    chip: Chip
    count: int
    workload: Workload
    memory: Memory
    first_token: Range
    per_token: Range
    input_seconds: Range
    output_seconds: Range
    input_money: Range | None
    output_money: Range | None
    energy: Range | None
    bound: str
    utilisation: Range
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Formats:
    """The number formats, or bits, of what a server holds: its weights and its cache."""

    weights: str | float = "bf16"
    cache: str | float = "bf16"


def serving_cost(
    architecture: Architecture,
    on: str | Chip | Accelerators,
    workload: Workload,
    *,
    compute: Spread,
    bandwidth: Spread,
    formats: Formats = Formats(),
) -> ServingCost:
    """Return what a workload costs on chips that work as one.

    `compute` is the share of the peak that prompts reach, `bandwidth` that of memory which
    generating reaches, links between chips included. A step of generation reads the weights once
    and every cache at its mean length, and takes as long as the slower of reading and computing.

    Raises UsageError where weights and cache do not fit, with what would.
    """
    chips = accelerators(on)
    what, count = chips.kind, chips.count
    weights, cache = formats.weights, formats.cache
    memory = serving_memory(architecture, workload.cached, weights=weights, cache=cache)
    _check_room(memory, what, count, workload.batch)
    most = chips.flop_per_second
    peak = share(compute, "compute") * most
    reading = prefill_flop(architecture, workload.prompt) / peak
    work = workload.batch * _flop_per_token(architecture, workload)
    moved = _bytes_per_step(architecture, workload, bits_of(weights) / 8, bits_of(cache) / 8)
    by_compute = work / peak
    by_memory = moved / (share(bandwidth, "bandwidth") * (count * what.bandwidth))
    step = _slower(by_compute, by_memory)
    into, out = reading * (count / workload.prompt), step * (count / workload.batch)
    return ServingCost(
        chip=what,
        count=count,
        workload=workload,
        memory=memory,
        first_token=reading,
        per_token=step,
        input_seconds=into,
        output_seconds=out,
        input_money=_per_million(into, what),
        output_money=_per_million(out, what),
        energy=_energy(into * workload.prompt + out * workload.output, chips),
        bound="bandwidth" if by_memory.typical >= by_compute.typical else "compute",
        utilisation=work / step / most,
        notes=cost_notes(chips),
    )


def _flop_per_token(a: Architecture, workload: Workload) -> float:
    return float(decode_flop(a, workload.prompt, workload.output) / workload.output)


def _bytes_per_step(
    a: Architecture, workload: Workload, weight_bytes: float, cache_bytes: float
) -> float:
    """Return the bytes that one step reads: weights that somebody meets, and every cache.

    Of the experts, those that at least one of the batch meets, if tokens choose evenly. The
    input table is looked up, so it is read only where it is the head too.
    """
    parts, batch = a.parts, workload.batch
    met = 1 - (1 - a.top_k / a.experts) ** batch if a.experts else 0.0
    read = parts.total - parts.positions - parts.routed * (1 - met)
    read -= 0 if a.tied else parts.embedding
    cached = batch * (workload.prompt + workload.output / 2) * a.layers * a.cached_width
    return read * weight_bytes + cached * cache_bytes


def _check_room(memory: Memory, what: Chip, count: int, batch: int) -> None:
    """Refuse what does not fit.

    Raises UsageError with the chips, or the batch, that would do.
    """
    _refuse("count", count)
    room = count * what.memory
    if memory.total <= room:
        return
    chips = math.ceil(memory.total / what.memory)
    fewer = int((room - memory.weights) * batch // memory.cache) if memory.cache else 0
    smaller = f", a batch of {fewer}" if fewer >= 1 else ""
    raise UsageError(
        f"weights and cache take {memory.total / 1e9:.4g} GB and {count} x {what.key} hold "
        f"{room / 1e9:.4g} GB; give {chips} chips{smaller}, or fewer bits"
    )


def _slower(one: Range, other: Range) -> Range:
    return Range(
        max(one.low, other.low), max(one.typical, other.typical), max(one.high, other.high)
    )


def _per_million(seconds: Range, what: Chip) -> Range | None:
    return None if what.price is None else seconds * what.price.hourly * (1e6 / 3600)


def _energy(seconds: Range, on: Accelerators) -> Range | None:
    """Return the energy [kWh] of chip-seconds."""
    load_factor = share(on.load, "load") * Range.of(on.overhead, "overhead")
    power = on.kind.power
    return None if power is None else seconds * load_factor * (power / 3.6e6)


def _refuse(name: str, value: float) -> None:
    if not 0 < value < math.inf:
        raise UsageError(f"{name} is {value}; it must be finite and above zero")
