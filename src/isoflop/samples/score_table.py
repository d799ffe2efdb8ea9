"""A table of scored samples: prompt, sample, proxy scores, gold score, log-probability."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Integers, Numbers
from isoflop.errors import BadRuns, Note, UnknownName
from isoflop.runs import saving
from isoflop.runs.cells import name_rows

LONGEST = 60  # characters of a name of a prompt; a longer one is a text, and gets a number
PROXY, SIZE = "proxy_", "params of proxy_"  # columns of a file, and what its head says of them
LARGEST, SMALLEST = 1e100, 1e-100  # sizes of a score, and of a spread, whose squares are numbers


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """An immutable table of n scored samples.

    `prompt` (n,) says which of the names in `prompts` a sample answers, `proxies` hold the scores
    (n,) of each proxy by name. `gold` (n,) is NaN where a sample was not labelled. `log_mass` (n,)
    is the log-probability [nats] of the whole sample under the initial policy, if known, and
    `sizes` the parameters of proxies. `rows` numbers the rows of the source, a header being row 1.
    """

    prompt: Integers
    prompts: tuple[str, ...]
    sample: npt.NDArray[np.str_]
    proxies: Mapping[str, Numbers]
    gold: Numbers
    log_mass: Numbers | None = None
    sizes: Mapping[str, float] = field(default_factory=dict)
    origin: str = ""
    rows: Integers = field(default_factory=lambda: np.zeros(0, np.int64))
    notes: tuple[Note, ...] = ()

    def __post_init__(self) -> None:
        """Refuse columns that make no table; freeze the mappings."""
        lengths = {len(v) for v in (self.prompt, self.sample, self.gold, *self.proxies.values())}
        if self.log_mass is not None:
            lengths.add(len(self.log_mass))
        if len(lengths) > 1:
            raise BadRuns(f"{self.origin}: columns differ in length: {sorted(lengths)}")
        if not self.proxies:
            raise BadRuns(f"{self.origin} holds no score of a proxy")
        if set(self.sizes) - set(self.proxies):
            raise UnknownName("proxy", min(set(self.sizes) - set(self.proxies)), self.proxies)
        rows = np.asarray(self.rows if len(self.rows) else np.arange(2, len(self.prompt) + 2))
        object.__setattr__(self, "rows", rows)
        object.__setattr__(self, "proxies", MappingProxyType(dict(self.proxies)))
        object.__setattr__(self, "sizes", MappingProxyType(dict(self.sizes)))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as what makes an equal table; frozen mappings do not pickle."""
        values = (getattr(self, f.name) for f in fields(self))
        return ScoreTable, tuple(dict(v) if isinstance(v, Mapping) else v for v in values)

    def __len__(self) -> int:
        return int(self.prompt.size)

    @property
    def labelled(self) -> npt.NDArray[np.bool_]:
        """Which samples (n,) have a gold score."""
        return np.isfinite(self.gold)

    def score(self, proxy: str) -> Numbers:
        """Return the scores (n,) of a proxy; raises UnknownName, which names the nearest."""
        if proxy not in self.proxies:
            raise UnknownName("proxy", proxy, self.proxies)
        return self.proxies[proxy]

    def select(self, mask: npt.NDArray[np.bool_]) -> ScoreTable:
        """Return the samples of a mask (n,); prompts without any are forgotten."""
        prompt_index, prompt = np.unique(self.prompt[mask], return_inverse=True)
        return dataclasses.replace(
            self,
            prompt=prompt,
            prompts=tuple(self.prompts[i] for i in prompt_index),
            sample=self.sample[mask],
            proxies={k: v[mask] for k, v in self.proxies.items()},
            gold=self.gold[mask],
            rows=self.rows[mask],
            log_mass=None if self.log_mass is None else self.log_mass[mask],
        )

    def with_proxies(self, proxies: Mapping[str, Numbers]) -> ScoreTable:
        """Return the table with other proxies; sizes of those that stay are kept."""
        sizes = {k: v for k, v in self.sizes.items() if k in proxies}
        return dataclasses.replace(self, proxies=proxies, sizes=sizes)

    def banks(self) -> Iterator[tuple[Integers, Integers]]:
        """Yield prompts (p,) that have equally many samples, and where those stand (p, m)."""
        order = np.argsort(self.prompt, kind="stable")
        count = np.bincount(self.prompt, minlength=len(self.prompts))
        first = np.cumsum(count) - count
        for m in np.unique(count[count > 0]):
            which = np.flatnonzero(count == m)
            yield which, order[first[which][:, None] + np.arange(m)]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the table as .csv, .tsv, .jsonl or .parquet, sizes of proxies in its head.

        Raises UsageError for another extension, EnvironmentFailure if the disk fails.
        """
        columns = {f"{PROXY}{name}": v for name, v in self.proxies.items()} | {"gold": self.gold}
        if self.log_mass is not None:
            columns["logprob"] = self.log_mass
        labels = {"prompt": np.array(self.prompts, object)[self.prompt], "sample": self.sample}
        head = {f"{SIZE}{name}": f"{size:.17g}" for name, size in self.sizes.items()}
        saving.save(columns, labels, head, path)


@dataclass(frozen=True, eq=False, kw_only=True)
class TableSource:
    """Where a table is from: its `origin`, the `rows` there (n,), and the `sizes` of proxies.

    A size is in parameters.
    """

    origin: str = "the table"
    rows: Integers | None = None
    sizes: Mapping[str, float] = field(default_factory=dict)


def score_table(
    prompt: Sequence[Any] | npt.NDArray[Any],
    proxies: Mapping[str, Any],
    gold: Any,
    *,
    sample: Sequence[Any] | npt.NDArray[Any] | None = None,
    log_mass: Any = None,
    source: TableSource = TableSource(),
) -> ScoreTable:
    """Return a table of scored samples, once no cell is impossible.

    `prompt` names the prompt of each sample; without `sample` they are numbered as they come.
    Raises BadRuns, which names the rows: a proxy score that is missing or the same everywhere, a
    score that is infinite or larger than 1e100, one gold score or all of them the same, the same
    sample twice, a log-probability above zero.
    """
    names, codes = np.unique(np.asarray([str(p) for p in prompt], object), return_inverse=True)
    codes = np.asarray(codes, np.int64)
    notes: tuple[Note, ...] = ()
    if max(map(len, names), default=0) > LONGEST:
        names = np.array([f"prompt {i}" for i in range(1, len(names) + 1)], object)
        notes = (
            Note(
                "info",
                "names",
                "prompts are long texts, and are numbered by their order in the alphabet",
            ),
        )
    table = ScoreTable(
        prompt=codes,
        prompts=tuple(map(str, names)),
        sample=_samples(codes, sample),
        proxies={name: np.asarray(v, float) for name, v in proxies.items()},
        gold=np.asarray(gold, float),
        log_mass=None if log_mass is None else np.asarray(log_mass, float),
        sizes=source.sizes,
        origin=source.origin,
        rows=np.zeros(0, np.int64) if source.rows is None else np.asarray(source.rows, np.int64),
        notes=notes,
    )
    _refuse_impossible(table)
    return table


def _samples(codes: Integers, sample: Any) -> npt.NDArray[np.str_]:
    if sample is not None:
        return np.asarray([str(s)[:LONGEST] for s in sample], np.str_)
    order = np.argsort(codes, kind="stable")
    count = np.bincount(codes)
    place = np.arange(codes.size) - np.repeat(np.cumsum(count) - count, count)
    out = np.empty(codes.size, np.int64)
    out[order] = place
    return out.astype(np.str_)


def _refuse_impossible(table: ScoreTable) -> None:
    if not len(table):
        raise BadRuns(f"{table.origin} holds no sample")
    for name, score in table.proxies.items():
        wrong = ~np.isfinite(score)
        if wrong.any():
            swapped = np.isfinite(table.gold).all() and bool(wrong.mean() > 0.02)
            hint = "; if that is the gold score, the two are swapped: name them" if swapped else ""
            raise BadRuns(
                f"{table.origin}: proxy {name} has no finite score in "
                f"{name_rows(table.rows[wrong])}; best-of-n needs the score of every sample: "
                f"score these, or leave them out{hint}"
            )
        refuse_huge(table.origin, f"proxy {name}", score, table.rows)
        if np.ptp(score) < SMALLEST:
            raise BadRuns(
                f"{table.origin}: proxy {name} scores every sample {score[0]:g}; such a score "
                "chooses nothing"
            )
    _refuse_gold(table)
    if table.log_mass is not None:
        wrong = ~(table.log_mass <= 0)
        if wrong.any():
            raise BadRuns(
                f"{table.origin}: the log-probability is missing or above zero in "
                f"{name_rows(table.rows[wrong])}; it is of the whole sample, in nats, and at most 0"
            )
    _refuse_doubles(table)


def refuse_huge(origin: str, what: str, values: Numbers, rows: Integers) -> None:
    """Refuse values (n,) so large that their squares are none; raises BadRuns with the rows."""
    wrong = np.abs(values) > LARGEST
    if wrong.any():
        raise BadRuns(
            f"{origin}: {what} is {values[wrong][0]:g} in {name_rows(rows[wrong])}, which no "
            f"reward can be: {LARGEST:g} is the most"
        )


def _refuse_gold(table: ScoreTable) -> None:
    if np.isinf(table.gold).any():
        raise BadRuns(
            f"{table.origin}: gold is infinite in {name_rows(table.rows[np.isinf(table.gold)])}; "
            "leave the cell empty where a sample is not labelled"
        )
    refuse_huge(table.origin, "gold", table.gold, table.rows)
    gold = table.gold[table.labelled]
    if gold.size == 1:
        raise BadRuns(f"{table.origin}: one sample alone has a gold score; label more, at random")
    if gold.size and np.ptp(gold) < SMALLEST:
        raise BadRuns(
            f"{table.origin}: gold is {gold[0]:g} in all {gold.size:,} labelled samples; a "
            "constant cannot fall: check what it was scored by"
        )


def _refuse_doubles(table: ScoreTable) -> None:
    _, sample = np.unique(table.sample, return_inverse=True)
    key = table.prompt * (int(sample.max()) + 1) + sample
    _, first = np.unique(key, return_index=True)
    twice = np.ones(len(table), bool)
    twice[first] = False
    if twice.any():
        at = int(np.flatnonzero(twice)[0])
        raise BadRuns(
            f"{table.origin}: a sample comes again in {name_rows(table.rows[twice])}, such as "
            f"sample {table.sample[at]} of {table.prompts[table.prompt[at]]}; a bank has each once"
        )
