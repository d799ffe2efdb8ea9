"""Serving: reading a prompt is bound by compute, generating by memory bandwidth."""

from __future__ import annotations

import math
from dataclasses import dataclass

from isoflop.accounting.architecture import Architecture
from isoflop.accounting.cost import cost_notes, share
from isoflop.accounting.flop import decode_flop, prefill_flop
from isoflop.accounting.memory import Memory, bits_of, serving_memory
from isoflop.atlas import Chip, Range, Spread, chip
from isoflop.errors import UsageError


@dataclass(frozen=True, slots=True)
class ServingCost:
    """What serving takes on `count` chips that work as one, with `batch` requests at a time.

    `first_token` [s] is the time to read one prompt, `per_token` [s] the time between tokens of
    one request. `input_seconds` and `output_seconds` [chip-seconds/token] are what a token costs
    of the chips; `input_money` and `output_money` [USD/1e6 tokens] in money, None without a
    price. `energy` [kWh/request] is None without a published power. `bound` is what limits
    generation, "bandwidth" or "compute", and `utilisation` what share of the peak it reaches.
    """

    chip: Chip
    count: int
    batch: int
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
    notes: tuple[str, ...]


def serving_cost(
    architecture: Architecture,
    on: str | Chip,
    *,
    prompt: float,
    output: float,
    batch: int,
    compute: Spread,
    bandwidth: Spread,
    count: int = 1,
    precision: str = "bf16",
    weights: str | float = "bf16",
    cache: str | float = "bf16",
    load: Spread = 1.0,
    overhead: Spread = 1.0,
) -> ServingCost:
    """Return what requests of `prompt` and `output` tokens cost on `count` chips.

    `compute` is the share of the peak that reading reaches, `bandwidth` the share of the memory
    bandwidth that generating reaches. Every step of generation reads the weights once for the
    whole batch, and each request's cache at its mean length; it takes as long as the slower of
    reading and computing. Communication between chips is part of the shares.

    Raises UsageError where weights and cache do not fit, with what would.
    """
    _refuse(prompt=prompt, output=output, batch=batch, count=count)
    what = chip(on) if isinstance(on, str) else on
    memory = serving_memory(architecture, batch * (prompt + output), weights=weights, cache=cache)
    _check_room(memory, what, count, batch)
    peak = share(compute, "compute") * (count * what.flop_per_second(precision))
    stream = share(bandwidth, "bandwidth") * (count * what.bandwidth)
    reading = prefill_flop(architecture, prompt) / peak
    work = batch * decode_flop(architecture, prompt, output) / output
    by_compute = work / peak
    by_memory = _bytes_per_step(architecture, prompt + output / 2, batch, weights, cache) / stream
    step = _slower(by_compute, by_memory)
    into, out = reading * (count / prompt), step * (count / batch)
    busy = into * prompt + out * output
    drawn = share(load, "load") * Range.of(overhead, "overhead")
    return ServingCost(
        chip=what,
        count=count,
        batch=batch,
        memory=memory,
        first_token=reading,
        per_token=step,
        input_seconds=into,
        output_seconds=out,
        input_money=_per_million(into, what),
        output_money=_per_million(out, what),
        energy=None if what.power is None else busy * drawn * (what.power / 3.6e6),
        bound="bandwidth" if by_memory.typical >= by_compute.typical else "compute",
        utilisation=work / step / (count * what.flop_per_second(precision)),
        notes=cost_notes(what, load, overhead),
    )


def _bytes_per_step(
    a: Architecture, length: float, batch: int, weights: str | float, cache: str | float
) -> float:
    """Return the bytes that one step reads: weights that somebody meets, and every cache.

    Of the experts, those that at least one of the batch meets, if tokens choose evenly. The
    input table is looked up, so it is read only where it is the head too.
    """
    parts = a.parts
    met = 1 - (1 - a.top_k / a.experts) ** batch if a.experts else 0.0
    read = parts.total - parts.positions - parts.routed * (1 - met)
    read -= 0 if a.tied else parts.embedding
    cached = batch * length * a.layers * a.cached_width
    return read * bits_of(weights) / 8 + cached * bits_of(cache) / 8


def _check_room(memory: Memory, what: Chip, count: int, batch: int) -> None:
    """Refuse what does not fit.

    Raises UsageError with the chips, or the batch, that would do.
    """
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


def _refuse(**numbers: float) -> None:
    for name, value in numbers.items():
        if not 0 < value < math.inf:
            raise UsageError(f"{name} is {value}; it must be finite and above zero")
