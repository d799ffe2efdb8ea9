"""What numbers a run can have: the one judge of columns that are not what their names say.

A unit that is off by a million leaves a fit as good as it was, and every answer wrong. So each
quantity has a range beyond which no run was ever made, and quantities that hang together are held
against each other. What looks wrong is a doubt with its likely cause and the option that mends it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Integers, Mask, Numbers
from isoflop.errors import BadRuns, Note
from isoflop.quantities import QUANTITIES, show
from isoflop.runs.cells import name_rows
from isoflop.runs.interpretation import Reading


def _words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


MOST_NATS = 14.0  # ln of a vocabulary of 1.2 million: more than any model has
MOST_BITS_PER_BYTE = 8.0
FAR_FROM_6ND = 30.0  # times: further than a mixture's active share, or attention, explains
NEVER_6ND = 1e12
MOST_TOKENS = 1e6  # for each parameter
FEWEST_TOKENS_IN_BATCH = 8192.0
SHARES = ("score", "error", "coverage", "truncated", "unvaried")
ENDED = frozenset(("finished", "completed", "complete", "done", "success", "succeeded", ""))
BROKEN = _words(
    "crashed failed killed running preempting preempted pending aborted cancelled canceled "
    "stopped timeout error oom"
)
SUMMARIES = _words("mean average avg median total sum std stdev overall")
# Below and above these no run was ever made.
_POSSIBLE: Mapping[str, tuple[float, float]] = {
    "N": (10.0, 1e15),
    "D": (1.0, 1e17),
    "U": (1.0, 1e17),
    "C": (1e6, 1e32),
    "batch": (1.0, 1e10),
    "steps": (0.0, 1e9),
    "lr": (1e-9, 10.0),
    "L": (1e-6, MOST_NATS),
}
_WHOLE = ("N", "D", "U", "steps", "batch", "k", "experts", "V")
_SCALES = {1e3: "K", 1e6: "M", 1e9: "B", 1e12: "T"}
STATES = ENDED | BROKEN


def possible(symbol: str, values: Numbers, scaled: bool = False) -> bool:
    """Return whether all numbers may be those of a quantity, missing ones aside.

    Counts are whole, unless they were `scaled` to a unit such as millions.
    """
    finite = values[np.isfinite(values)]
    low, high = _POSSIBLE.get(symbol, (-np.inf, np.inf))
    if not finite.size or finite.min() < low or finite.max() > high:
        return False
    return scaled or symbol not in _WHOLE or bool((finite == np.floor(finite)).all())


@dataclass(frozen=True, eq=False)
class _Table:
    """The numbers that are judged, with what is known of where they come from."""

    columns: Mapping[str, Numbers]
    labels: Mapping[str, np.typing.NDArray[np.str_]]
    conventions: Mapping[str, str]
    rows: Integers
    reading: Reading | None

    def column(self, symbol: str) -> Numbers:
        return self.columns.get(symbol, np.zeros(0))

    def named(self, symbol: str) -> str:
        """Return a quantity with the name of its column, where that is another."""
        read = self.reading.of(symbol) if self.reading else None
        return symbol if read is None or read.column == symbol else f"{symbol} ({read.column!r})"

    def note(self, symbol: str, text: str, bad: Mask | None = None) -> Note:
        rows = () if bad is None else tuple(int(r) for r in self.rows[bad])
        return Note("doubt", "plausibility", text, rows, symbol)


def doubts(
    columns: Mapping[str, Numbers],
    labels: Mapping[str, np.typing.NDArray[np.str_]],
    conventions: Mapping[str, str],
    rows: Integers,
    reading: Reading | None = None,
) -> tuple[Note, ...]:
    """Return a doubt for each quantity whose numbers, or their source, are likely not right."""
    table = _Table(columns, labels, conventions, rows, reading)
    judges = (
        _sizes,
        _tokens_per_parameter,
        _compute,
        _compute_against_6nd,
        _loss,
        _training_loss,
        _batch,
        _rate,
        _shares,
        _state,
        _summaries,
    )
    return tuple(note for judge in judges for note in judge(table))


def _sizes(table: _Table) -> Iterator[Note]:
    for symbol, least, what in (
        ("N", 10.0, "no model has so few parameters"),
        ("D", 1.0, "no run sees less than a token"),
        ("U", 1.0, "no run sees less than a token"),
    ):
        values = table.column(symbol)
        bad = values < least
        if bad.any():
            yield table.note(
                symbol,
                f"{table.named(symbol)} is {_range(values)} {QUANTITIES[symbol].unit}: {what}; it "
                f"is most likely in another unit: --unit {symbol}=M, or {symbol}=B if in billions",
                bad,
            )
        huge = values > _POSSIBLE[symbol][1]
        if huge.any():
            yield table.note(
                symbol,
                f"{table.named(symbol)} reaches {show(float(np.nanmax(values)))} "
                f"{QUANTITIES[symbol].unit}, which no run has; a unit was most likely applied "
                f"twice: --derive {symbol}={symbol}/1e6 takes it back",
                huge,
            )


def _tokens_per_parameter(table: _Table) -> Iterator[Note]:
    """Hold D against N: of known models Qwen3-0.6B has seen most, 60,000 tokens a parameter."""
    N, D = table.column("N"), table.column("D")
    if not N.size or not D.size:
        return
    with np.errstate(all="ignore"):
        ratio = D / N
    finite = ratio[np.isfinite(ratio)]
    if finite.size and float(np.median(finite)) > MOST_TOKENS:
        yield table.note(
            "N",
            f"D is {show(float(np.median(finite)))} times {table.named('N')} in the middle of the "
            f"runs, and no model has seen {show(MOST_TOKENS)} tokens for each parameter; N is most "
            "likely in another unit: --unit N=M, or N=B if in billions",
        )


def _compute(table: _Table) -> Iterator[Note]:
    C, N = table.column("C"), table.column("N")
    least = 1e9 if not N.size else np.where(np.isfinite(N), 6 * N, 1e9)
    if not C.size:
        return
    bad = least > C
    if bad.any() and 2 * int(bad.sum()) >= int(np.isfinite(C).sum()):
        why = "less than one token costs" if N.size else "less than the smallest run costs"
        yield table.note(
            "C",
            f"{table.named('C')} is {_range(C)} FLOP: {why}; it is most likely in another unit: "
            "--unit C=1e21 (or 1e18, PFLOP, PF-days, as its source says)",
            bad,
        )


def refuse(table: Mapping[str, Numbers], reading: Reading | None = None) -> None:
    """Raise BadRuns for runs whose C and 6ND are so far apart that a unit must be wrong."""
    log = _log_ratio(table)
    finite = log[np.isfinite(log)]
    middle = float(np.median(finite)) if finite.size else 0.0
    if abs(middle) >= np.log10(NEVER_6ND):
        raise BadRuns(
            f"C is {10**middle:.2g} times 6ND in the middle of the runs: one of "
            f"{_three(_Table(table, {}, {}, np.zeros(0, np.int64), reading))} is in another unit; "
            f"{_mend(middle)}"
        )


def _log_ratio(columns: Mapping[str, Numbers]) -> Numbers:
    """Return log10 of C over 6ND (n,), nothing where one of the three is not there."""
    if not {"N", "D", "C"} <= set(columns):
        return np.zeros(0)
    with np.errstate(all="ignore"):
        return np.asarray(np.log10(columns["C"] / (6 * columns["N"] * columns["D"])))


def _compute_against_6nd(table: _Table) -> Iterator[Note]:
    """Hold C against 6ND, in the middle and row by row."""
    log = _log_ratio(table.columns)
    finite = np.isfinite(log)
    if not finite.any():
        return
    middle = float(np.median(log[finite]))
    if abs(middle) >= np.log10(FAR_FROM_6ND):
        yield table.note(
            "C",
            f"C is {show(10**middle)} times 6ND in the middle of the runs: one of {_three(table)} "
            f"is most likely in another unit, or counted otherwise; {_mend(middle)}",
        )
        return
    apart = finite & (np.abs(log - middle) > np.log10(FAR_FROM_6ND))
    if apart.any():
        yield table.note(
            "C",
            f"C is {show(10**middle)} times 6ND in most runs, and in "
            f"{name_rows(table.rows[apart])} more than thirty times off that: correct them, or "
            "leave them out with --where",
            apart,
        )


def _three(table: _Table) -> str:
    names = (f"{table.named(s)} = {_range(table.column(s))}" for s in ("N", "D", "C"))
    return ", ".join(names)


def _mend(middle: float) -> str:
    """Return the option that would bring C and 6ND together, where one power of ten does."""
    power = round(-middle / 3) * 3
    if abs(middle + power) > 1 or not power:
        return "say which unit: --unit N=M, D=B or C=1e21"
    if power > 0:
        return f"--unit C=1e{power} would bring them together, if that is C's unit"
    units = [f"--unit {s}={_SCALES[10.0**-power]}" for s in ("N", "D") if 10.0**-power in _SCALES]
    both = {-15: "--unit N=M,D=B", -18: "--unit N=B,D=B"}.get(power)
    words = " or ".join(units) if units else both
    return f"{words or '--unit N=M, D=B'} would bring them together, if that is the unit"


def _loss(table: _Table) -> Iterator[Note]:
    L = table.column("L")
    unit = table.conventions.get("L", "nats/token")
    if not L.size or not np.isfinite(L).any():
        return
    most, why = _most_loss(table, unit)
    bad = most < L
    if not bad.any():
        return
    many = 2 * int(bad.sum()) >= int(np.isfinite(L).sum())
    cause = (
        "it is most likely perplexity (--unit L=ppl) or has lost a decimal comma "
        "(--unit L=decimal-comma)"
        if many
        else f"such runs diverged: leave them out, and say so: --where 'L < {most:.3g}'"
    )
    where = "" if many else f" in {name_rows(table.rows[bad])}"
    yield table.note(
        "L",
        f"{table.named('L')} reaches {float(np.nanmax(L)):.4g} {unit}{where}, and {why}; {cause}",
        bad,
    )


def _most_loss(table: _Table, unit: str) -> tuple[float, str]:
    """Return the loss of a guess, beyond which a model knows less than nothing, and why."""
    V = table.column("V")
    if unit == "bits/byte":
        return MOST_BITS_PER_BYTE, "a guess costs 8 bits/byte"
    if unit == "nats/byte":
        return float(np.log(256)), "a guess costs ln 256 = 5.5 nats/byte"
    if unit == "nats/token" and V.size and np.isfinite(V).any():
        largest = float(np.nanmax(V))
        if largest > 1:
            return float(np.log(largest)) * 1.05, f"a guess costs ln V = {np.log(largest):.3g}"
    if unit.startswith("bits"):
        return MOST_NATS / float(np.log(2)), "a guess costs 20 bits at any vocabulary"
    return MOST_NATS, "a guess costs less than 14 nats at any vocabulary"


def _training_loss(table: _Table) -> Iterator[Note]:
    read = table.reading.of("L") if table.reading else None
    if read is None or read.split != "training":
        return
    other = next(iter(read.others), None)
    todo = (
        f"take the other: --columns 'L={other}'"
        if other
        else "take a held-out loss (val, eval or test) if there is one"
    )
    yield table.note(
        "L",
        f"L is the loss of training ({read.column!r}), which is noisier than a held-out loss and, "
        f"where data repeat, lower; {todo}",
    )


def _batch(table: _Table) -> Iterator[Note]:
    batch, steps, D = (table.column(s) for s in ("batch", "steps", "D"))
    if not batch.size or not np.isfinite(batch).any():
        return
    if steps.size and D.size:
        with np.errstate(all="ignore"):
            ratio = D / (steps * batch)
        finite = ratio[np.isfinite(ratio)]
        if finite.size:
            middle = float(np.median(finite))
            even = bool((np.abs(np.log(finite / middle)) < 0.1).mean() > 0.8)
            if middle > 30 and even:
                yield table.note(
                    "batch",
                    f"D is {show(middle)} times steps x batch: {table.named('batch')} most likely "
                    f"counts sequences of {show(middle)} tokens, not tokens: "
                    f"--derive 'batch={_source(table, 'batch')}*{middle:.0f}'",
                )
                return
    if float(np.nanmedian(batch)) < FEWEST_TOKENS_IN_BATCH:
        yield table.note(
            "batch",
            f"{table.named('batch')} is {_range(batch)} tokens a step, too few for tokens: it most "
            "likely counts sequences; times their length it is tokens, as for 2,048: "
            f"--derive 'batch={_source(table, 'batch')}*2048'",
        )


def _source(table: _Table, symbol: str) -> str:
    """Return the name by which a formula of --derive reaches the column of a quantity."""
    read = table.reading.of(symbol) if table.reading else None
    name = symbol if read is None else read.column
    return name if name.isidentifier() else f"`{name}`"


def _rate(table: _Table) -> Iterator[Note]:
    lr = table.column("lr")
    bad = (lr < _POSSIBLE["lr"][0]) | (lr > _POSSIBLE["lr"][1])
    if bad.any():
        yield table.note(
            "lr",
            f"{table.named('lr')} is {_range(lr)}, which no learning rate is; it is most likely in "
            "another unit: --unit lr=1e-4 (or 1e-6, as its source says)",
            bad,
        )


def _shares(table: _Table) -> Iterator[Note]:
    for symbol in SHARES:
        values = table.column(symbol)
        bad = (values < 0) | (values > 1)
        if not bad.any():
            continue
        per_cent = float(np.nanmin(values)) >= 0 and float(np.nanmax(values)) <= 100
        mend = f"--unit {symbol}=%, if it is per cent" if per_cent else "look at the column"
        yield table.note(
            symbol,
            f"{table.named(symbol)} is {_range(values)}, and a share lies between 0 and 1: {mend}",
            bad,
        )


def _state(table: _Table) -> Iterator[Note]:
    states = table.labels.get("state")
    if states is None:
        return
    folded = np.char.lower(states)
    bad = np.isin(folded, sorted(BROKEN))
    if bad.any():
        names = ", ".join(dict.fromkeys(states[bad].tolist()))
        ended = next((s for s in states[~bad].tolist() if s), "finished")
        yield Note(
            "doubt",
            "state",
            f"{name_rows(table.rows[bad])}: the state of the run is {names}, so its last numbers "
            f"may not be those of a whole run; leave such runs out: --where 'state == \"{ended}\"'",
            tuple(int(r) for r in table.rows[bad]),
        )


def _summaries(table: _Table) -> Iterator[Note]:
    """Doubt rows that sum up other rows, as a sheet has them below its runs."""
    for label, texts in table.labels.items():
        bad = np.isin(np.char.strip(np.char.lower(texts)), sorted(SUMMARIES))
        if bad.any() and not bad.all():
            name = str(texts[bad][0])
            yield Note(
                "doubt",
                "summary",
                f"{name_rows(table.rows[bad])}: {label} is {name!r}, so the row sums up others and "
                f"is no run; leave it out: --where '{label} != \"{name}\"'",
                tuple(int(r) for r in table.rows[bad]),
            )


def _range(values: Numbers) -> str:
    finite = values[np.isfinite(values)]
    low, high = show(float(finite.min())), show(float(finite.max()))
    return low if low == high else f"{low} to {high}"
