"""Units and scales as people write them in names and cells: M, billions, 1e21, PF-days, ppl, %."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from isoflop.errors import UsageError, brief
from isoflop.quantities import QUANTITIES


def _words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


_SCALES = {
    "k": 1e3, "thousand": 1e3, "thousands": 1e3, "tsd": 1e3,
    "m": 1e6, "mm": 1e6, "mn": 1e6, "mln": 1e6, "mil": 1e6, "mio": 1e6, "million": 1e6,
    "millions": 1e6, "mega": 1e6,
    "b": 1e9, "g": 1e9, "bn": 1e9, "bln": 1e9, "mrd": 1e9, "billion": 1e9, "billions": 1e9,
    "giga": 1e9,
    "t": 1e12, "tn": 1e12, "trn": 1e12, "trillion": 1e12, "trillions": 1e12, "tera": 1e12,
    "quadrillion": 1e15, "quadrillions": 1e15,
}  # fmt: skip
_SI = {"k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12, "p": 1e15, "e": 1e18, "z": 1e21, "y": 1e24}
_SI |= {"kilo": 1e3, "mega": 1e6, "giga": 1e9, "tera": 1e12, "peta": 1e15, "exa": 1e18}
_SI |= {"zetta": 1e21, "yotta": 1e24}
_DAY = 86_400.0
_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_LOWERED = str.maketrans(_RAISED, "0123456789")
_POWER = re.compile(r"(?:[x×*]\s*)?(?:1(?:\.0*)?e\+?|e\+?|10\s*(?:\^|\*\*)\s*)(\d{1,2})", re.I)
_SMALL_POWER = re.compile(r"(?:[x×*]\s*)?(?:1(?:\.0*)?e|10\s*(?:\^|\*\*)\s*)[-−](\d{1,2})", re.I)
_PARTS = {"milli": 1e-3, "micro": 1e-6, "µ": 1e-6, "μ": 1e-6}
_FLOPS = re.compile(r"(kilo|mega|giga|tera|peta|exa|zetta|yotta|[kmgtpezy])?flops?", re.I)
_FLOP_DAYS = re.compile(
    r"(kilo|mega|giga|tera|peta|exa|zetta|[gtpez])f(?:lops?|s)?(?:/s)?[\s_\-·*.]*"
    r"(?:s[\s_\-·*.]*)?days?",
    re.I,
)
_CHIP_HOURS = re.compile(
    r"([\w\- ]*?)[\s_\-·]*(?:hours?|hrs?|h)(?:\s*(?:at|@)\s*([\d.]+)\s*%)?", re.I
)
_NOUNS = _words("params parameters param parameter tokens token toks tok weights")
SHARES = _words(
    "score error coverage truncated unvaried sparsity R R_proxy w1 w2 w3 w4 w5 w6 w7 w8"
)
COUNTS = _words(
    "N D U C steps batch experts N_V chars V hours k pairs rollouts D_tune D_transfer "
    "thinking x group"
)
SMALL = _words("lr")  # in milli, micro or 1e-4
LOSSES = frozenset(["L", "E", "L_u", "dL", "L_teacher", "L_alone", "sigma"])
_LOSS_UNITS = {
    "nats": "nats/token", "nat": "nats/token", "bits": "bits/token", "bit": "bits/token",
    "bpb": "bits/byte", "bpc": "bits/char", "bpt": "bits/token", "bpw": "bits/word",
    "ppl": "nats/token", "perplexity": "nats/token",
}  # fmt: skip
_LOSS_PER = re.compile(
    r"(nats?|bits?)[\s_]*(?:/|per|\s|_)[\s_]*(token|tok|byte|char|character|word)s?", re.I
)
_PER = {"tok": "token", "character": "char"}
_ALSO = {
    "N": ("parameters", "#", "count"),
    "D": ("#", "count"),
    "C": ("flops", "count"),
}
MARKS = ("decimal-comma", "thousands-comma")


@dataclass(frozen=True, slots=True)
class Unit:
    """What a name, a cell or the user says of the numbers of a column.

    Numbers times `factor` are in the unit of the vocabulary; `logarithm` says that they are
    perplexities, of which the log is meant. `loss` is the unit of a loss after that. `text` is
    as it was written.
    """

    text: str
    factor: float = 1.0
    kind: Literal["scale", "FLOP", "loss", "share", "chip-hours", "plain"] = "scale"
    loss: str | None = None
    logarithm: bool = False

    def fits(self, symbol: str) -> bool:
        """Return whether the numbers of a quantity may be in this unit."""
        if self.kind == "plain":
            return self.text.lower() in (
                QUANTITIES[symbol].unit.lower() if symbol in QUANTITIES else "",
                *_ALSO.get(symbol, ()),
            )
        if self.kind in ("FLOP", "chip-hours"):
            return symbol == "C"
        if self.kind == "loss":
            return symbol in LOSSES
        if self.kind == "share":
            return symbol in SHARES
        return symbol in (COUNTS if self.factor > 1 else SMALL)


def cell_factor(suffix: str) -> float | None:
    """Return by what the suffix of a number in a cell multiplies it, None for no suffix known."""
    text = suffix.strip().rstrip(".").strip()
    if not text:
        return 1.0
    if text == "%":
        return 0.01
    unit = _count(text) or _flop(text)
    return None if unit is None else unit.factor


def unit_in(text: str, symbol: str = "") -> Unit | None:
    """Return the unit that a text writes, None for none that is known or that fits the quantity.

    >>> unit_in("M").factor, unit_in("1E21").factor, unit_in("PF-days").factor
    (1000000.0, 1e+21, 8.64e+19)
    """
    words = re.sub(r"\s+", " ", text.strip().strip("()[]").strip())
    words = re.sub(f"10([{_RAISED}]+)", r"10^\1", words).translate(_LOWERED)
    if not words:
        return None
    for read in (_share, _loss, _flop, _count, _plain):
        unit = read(words)
        if unit is not None and (not symbol or unit.fits(symbol)):
            return unit
    return None


def _share(text: str) -> Unit | None:
    is_share = text.lower() in ("%", "percent", "per cent", "pct", "percentage")
    return Unit(text, 0.01, "share") if is_share else None


def _loss(text: str) -> Unit | None:
    folded = text.lower()
    if folded in ("ppl", "perplexity"):
        return Unit(text, 1.0, "loss", "nats/token", True)
    if folded in _LOSS_UNITS:
        return Unit(text, 1.0, "loss", _LOSS_UNITS[folded])
    if match := _LOSS_PER.fullmatch(folded):
        kind, per = match[1].rstrip("s") + "s", match[2]
        return Unit(text, 1.0, "loss", f"{kind}/{_PER.get(per, per)}")
    return None


def _flop(text: str) -> Unit | None:
    if match := _FLOP_DAYS.fullmatch(text):
        return Unit(text, _SI[match[1].lower()] * _DAY, "FLOP")
    if match := _FLOPS.fullmatch(text):
        return Unit(text, _SI[match[1].lower()] if match[1] else 1.0, "FLOP")
    power, _, rest = text.rpartition(" ")
    if power and _FLOPS.fullmatch(rest) and (scale := _count(power)):
        inner = _flop(rest)
        return Unit(text, scale.factor * (inner.factor if inner else 1.0), "FLOP")
    return None


def _count(text: str) -> Unit | None:
    if match := _SMALL_POWER.fullmatch(text):
        return Unit(text, float(f"1e-{int(match[1])}"))
    words = [w for w in re.split(r"[\s_]+|(?<=\w)-(?=\w)", text) if w and w.lower() != "of"]
    if not words:
        return None
    if len(words) > 1 and words[-1].lower() in _NOUNS:
        words = words[:-1]
    elif len(words) > 1 and words[0].lower() in _NOUNS:
        words = words[1:]
    word = " ".join(words)
    if match := _POWER.fullmatch(word):
        return Unit(text, 10.0 ** int(match[1]))
    factor = _SCALES.get(word.lower()) or _PARTS.get(word.lower())
    if factor is None and (match := re.fullmatch(r"([kKMBGT])(params?|toks?|tokens?)", word)):
        factor = _SCALES[match[1].lower()]
    return None if factor is None else Unit(text, factor)


def _plain(text: str) -> Unit | None:
    """Return the unit of the vocabulary itself, such as tokens: it multiplies nothing."""
    folded = text.lower()
    plain = {q.unit.lower() for q in QUANTITIES.values()}.union(*_ALSO.values())
    return Unit(text, 1.0, "plain") if folded in plain else None


def stated_unit(symbol: str, text: str) -> tuple[Unit | None, str | None]:
    """Return the unit, and the marks, that the user states of a quantity: "M", "M decimal-comma".

    Raises UsageError for what is neither.
    """
    words = text.split()
    marks = next((w for w in words if w in MARKS), None)
    rest = " ".join(w for w in words if w not in MARKS)
    if not rest:
        return None, marks
    unit = unit_in(rest, symbol)
    if unit is None and symbol == "C":
        unit = _chip_hours(rest)
    if unit is not None:
        return unit, marks
    if symbol in COUNTS and symbol in QUANTITIES:
        of_compute = ", 1e21, PFLOP, PF-days, or H100-hours at 40%" if symbol == "C" else ", 1e6"
        raise UsageError(
            f"--unit {symbol}={brief(text).strip(chr(39))}: {symbol} is counted in "
            f"{QUANTITIES[symbol].unit}; a unit is K, M, B, T{of_compute}, or another scale: "
            f"--derive {symbol}={symbol}*1e6"
        )
    return None, marks


def _chip_hours(text: str) -> Unit | None:
    """Return hours of a named chip at a stated share of its peak, as FLOP.

    Raises UsageError where the chip or the share is not said.
    """
    match = _CHIP_HOURS.fullmatch(text)
    if match is None:
        return None
    from isoflop.atlas import chip

    name, share = match[1].strip(" -_"), match[2]
    if share is None or not name or name.lower() in ("gpu", "accelerator", "chip", "tpu"):
        raise UsageError(
            f"--unit C={text}: hours are FLOP by a chip and the share of its peak that was used; "
            "say both, such as --unit 'C=H100-hours at 40%'"
        )
    peak = chip(name).flop_per_second("bf16")
    return Unit(text, 3600.0 * peak * float(share) / 100, "chip-hours")
