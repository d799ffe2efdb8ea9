"""Best-of-n curves of a score table: gold and proxy against KL, prompt by prompt.

Gold may be known of a part of the samples, taken at random. The mean over the labelled ones, by
their best-of-n weights, then stands for the mean over all; where every sample is labelled it is
the unbiased estimate. Suffixes: p prompts, m samples, g values of n, s draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Integers, Numbers
from isoflop.errors import BadRuns, CannotFit, Note, UsageError
from isoflop.report.display import Displayed
from isoflop.runs.cells import name_rows
from isoflop.samples.best_of_n import blocks, by_rank, grid, prompt_draws
from isoflop.samples.kl import TINY, kl_bound, kl_of_best_of_n
from isoflop.samples.score_table import ScoreTable

FEWEST = 8  # labels, counted by their weight, under which gold at an n is not known
LEAST = 4  # prompts that a bootstrap over prompts needs to mean anything


@dataclass(frozen=True, eq=False)
class BestOfNCurves(Displayed):
    """Gain of best-of-n by one proxy, for every n (g,), over the mean of the initial policy.

    `kl` [nats] is Beirami's estimate if log-probabilities are known, else its `bound`. `gold_pg`
    over `known_pg` is the gain in gold: sums by prompt, of labels times weights, and of weights.
    `labels` counts the labels behind each n, by their weight.
    """

    proxy: str
    n: Integers
    kl: Numbers
    bound: Numbers
    gold_pg: Numbers
    known_pg: Numbers
    score_pg: Numbers
    labels: Numbers
    labelled: int
    notes: tuple[Note, ...]

    @property
    def d(self) -> Numbers:
        """Root KL [sqrt(nats)] (g,)."""
        return np.sqrt(self.kl)

    @property
    def gold(self) -> Numbers:
        """Gain in gold (g,)."""
        return np.asarray(self.gold_pg.sum(0) / self.known_pg.sum(0))

    @property
    def score(self) -> Numbers:
        """Gain in the score of the proxy itself (g,)."""
        return np.asarray(self.score_pg.mean(0))

    @property
    def error(self) -> Numbers:
        """Standard error of the gain in gold (g,), over prompts."""
        apart = self.gold_pg - self.gold * self.known_pg
        prompts = len(apart)
        return np.asarray(apart.std(0, ddof=1) / self.known_pg.mean(0) / np.sqrt(prompts))

    def drawn(self, draws: int, seed: int = 0) -> Numbers:
        """Return the gain in gold over resampled prompts (s, g)."""
        weights = prompt_draws(len(self.gold_pg), draws, seed)
        return np.asarray((weights @ self.gold_pg) / (weights @ self.known_pg))

    def of_score(self, factor: float = 1.0) -> BestOfNCurves:
        """Return the same curves with the proxy's own score, times a factor, in the place of gold.

        Every sample has a score, so that none but the bank bounds what is known.
        """
        return replace(self, gold_pg=factor * self.score_pg, known_pg=np.ones_like(self.score_pg))


def best_of_n_curves(
    table: ScoreTable, proxy: str, n: Sequence[int] | Integers | None = None
) -> BestOfNCurves:
    """Return the best-of-n curves of a proxy, at `n` or at two values per doubling.

    Prompts of one sample, and those with less than half as many as usual, are left out, and named.
    Raises BadRuns if too few prompts are left or none is labelled, CannotFit for a proxy that goes
    against the gold.
    """
    subset, notes = _usable(table)
    has_label = subset.labelled
    if not has_label.any():
        raise BadRuns(
            f"{table.origin}: no sample has a gold score; label some at random, or name the column "
            "that holds it: --columns gold=COLUMN"
        )
    score = subset.score(proxy)
    centred, remarks = _centred(subset)
    _refuse_backwards(subset, proxy, centred)
    m = int(np.bincount(subset.prompt).min())
    at = grid(m) if n is None else np.asarray(n, np.int64)
    if at.min() < 1 or at.max() > m:
        raise UsageError(f"n is {at.min()} to {at.max()}; the bank has {m} samples a prompt")
    parts = {
        k: np.zeros((len(subset.prompts), at.size)) for k in ("gold", "known", "heavy", "score")
    }
    for which, place in subset.banks():
        _fill(parts, which, at, score[place], centred[place], has_label[place])
    labels = parts["known"].sum(0) ** 2 / np.maximum(parts["heavy"].sum(0), 1e-300)
    mine = np.bincount(subset.prompt[has_label], minlength=len(subset.prompts)) > 0
    reach = _reach(subset, labels, int(mine.sum()))
    if reach < at.size:
        notes += (
            Note(
                "info",
                "labels",
                f"labels are too few to know the gold beyond n = {at[reach - 1]:,}",
            ),
        )
    bound = kl_bound(at[:reach])
    kl = bound if subset.log_mass is None else _corrected(subset, score, at[:reach], bound)
    mean_p = np.bincount(subset.prompt, score) / np.bincount(subset.prompt)
    score_pg = parts["score"] - mean_p[:, None]
    return BestOfNCurves(
        proxy=proxy,
        n=at[:reach],
        kl=kl,
        bound=bound,
        gold_pg=parts["gold"][mine, :reach],
        known_pg=parts["known"][mine, :reach],
        score_pg=score_pg[:, :reach],
        labels=labels[:reach],
        labelled=int(has_label.sum()),
        notes=(*notes, *remarks),
    )


def _reach(table: ScoreTable, labels: Numbers, prompts: int) -> int:
    """Return at how many n, from the smallest on, `labels` (g,) are enough to know the gold.

    Raises BadRuns for fewer labelled prompts than a bootstrap needs, CannotFit for too few labels.
    """
    if prompts < LEAST:
        raise BadRuns(
            f"{table.origin}: prompts with a gold score are {prompts}; at least {LEAST} are "
            "needed, since intervals are over prompts"
        )
    mask = labels >= min(FEWEST, prompts) * (1 - 1e-9)
    reach = labels.size if mask.all() else int(np.argmin(mask))
    if reach < 3:
        raise CannotFit(
            f"{table.origin}: {int(table.labelled.sum())} labels are too few to see best-of-2; "
            "label more"
        )
    return reach


def _fill(
    parts: dict[str, Numbers],
    which: Integers,
    at: Integers,
    score_pm: Numbers,
    centred_pm: Numbers,
    known_pm: npt.NDArray[np.bool_],
) -> None:
    """Fill the rows of some prompts: what is known of gold, and the score, at every n."""
    gold = by_rank(score_pm, np.where(known_pm, centred_pm, 0.0))
    labels = by_rank(score_pm, known_pm.astype(float))
    ranked = by_rank(score_pm, score_pm)
    for some, weights_gk in blocks(at, score_pm.shape[1]):
        k = weights_gk.shape[1]
        cell = np.ix_(which, some)
        parts["gold"][cell] = gold[:, :k] @ weights_gk.T
        parts["known"][cell] = labels[:, :k] @ weights_gk.T
        parts["heavy"][cell] = labels[:, :k] @ (weights_gk**2).T
        parts["score"][cell] = ranked[:, :k] @ weights_gk.T


def _usable(table: ScoreTable) -> tuple[ScoreTable, tuple[Note, ...]]:
    """Return the table without prompts that hold too few samples, and what was left out."""
    count = np.bincount(table.prompt, minlength=len(table.prompts))
    usual = float(np.median(count))
    few = (count < 2) | (count < usual / 2)
    if usual < 2:
        raise BadRuns(
            f"{table.origin}: most of {count.size} prompts have one sample; best-of-n needs "
            "several of each, so that there is something to choose from"
        )
    if (~few).sum() < LEAST:
        raise BadRuns(
            f"{table.origin}: {int((~few).sum())} of {count.size} prompts have two samples, and "
            f"at least half of the usual {usual:g}; best-of-n needs {LEAST} such prompts"
        )
    notes = list(table.notes)
    if few.any():
        rows = table.rows[few[table.prompt]]
        notes.append(
            Note(
                "info",
                "left-out",
                f"{int(few.sum())} of {count.size} prompts are left out, with one sample or fewer "
                f"than "
                f"half of the usual {usual:g}: {name_rows(rows)}",
                rows=tuple(rows.tolist()),
            )
        )
    subset = table.select(~few[table.prompt]) if few.any() else table
    for name, score in subset.proxies.items():
        low, high = np.full(len(subset.prompts), np.inf), np.full(len(subset.prompts), -np.inf)
        np.minimum.at(low, subset.prompt, score)
        np.maximum.at(high, subset.prompt, score)
        same = low == high
        if same.any():
            notes.append(
                Note(
                    "info",
                    "flat",
                    f"proxy {name} scores all samples alike in {int(same.sum())} prompts, such as "
                    f"{subset.prompts[int(np.argmax(same))]}: it chooses nothing there",
                )
            )
    return subset, tuple(notes)


def _centred(table: ScoreTable) -> tuple[Numbers, tuple[Note, ...]]:
    """Return gold less the mean of its prompt (n,), NaN where it is not known.

    Of l labels among m samples, the distance from the mean of the labels is too short by
    (l - 1) / l on average, and that from the mean of all samples by (m - 1) / m.
    """
    has_label = table.labelled
    prompts = len(table.prompts)
    label = np.bincount(table.prompt[has_label], minlength=prompts).astype(float)
    total = np.bincount(table.prompt[has_label], table.gold[has_label], prompts)
    if (label == 1).any():
        note = Note(
            "info",
            "labels",
            "some prompts have a single label: gold is centred on the mean of all labels",
        )
        return table.gold - float(table.gold[has_label].mean()), (note,)
    count = np.bincount(table.prompt, minlength=prompts)
    few = np.maximum(label, 2.0)
    stretch = few / (few - 1) * (count - 1) / count
    mean = total / np.maximum(label, 1)
    return np.asarray((table.gold - mean[table.prompt]) * stretch[table.prompt]), ()


def _refuse_backwards(table: ScoreTable, proxy: str, centred: Numbers) -> None:
    """Refuse a proxy that is the gold, or that goes against it within prompts."""
    has_label = table.labelled
    score = table.score(proxy)[has_label]
    prompt = table.prompt[has_label]
    mean = np.bincount(prompt, score, len(table.prompts)) / np.maximum(
        np.bincount(prompt, minlength=len(table.prompts)), 1
    )
    apart, gold = score - mean[prompt], centred[has_label]
    if not (apart**2).sum() > 0:
        return
    r = float((apart * gold).sum() / np.sqrt((apart**2).sum() * (gold**2).sum()))
    if r < -3 / np.sqrt(has_label.sum()):
        raise CannotFit(
            f"{table.origin}: within prompts, proxy {proxy} goes against the gold (correlation "
            f"{r:.2f}); turn its sign, or if gold and proxy are swapped, name the columns"
        )
    if r > 1 - 1e-9:
        raise CannotFit(
            f"{table.origin}: proxy {proxy} and gold are one score (correlation 1); "
            "name another column as gold"
        )


def _corrected(table: ScoreTable, score: Numbers, at: Integers, bound: Numbers) -> Numbers:
    """Return the KL [nats] (g,) from the mass of chosen samples: the bound where all are rare."""
    log_mass = table.log_mass
    assert log_mass is not None
    out = np.zeros(at.size)
    for g, n in enumerate(at):
        if float(np.exp(log_mass.max())) * n < TINY:
            out[g] = bound[g]
            continue
        each = kl_of_best_of_n(float(n), log_mass)
        for _, place in table.banks():
            ((_, weights_gk),) = blocks([n], place.shape[1])
            ranked = by_rank(score[place], each[place])[:, : weights_gk.shape[1]]
            out[g] += float((ranked @ weights_gk.T).sum()) / len(table.prompts)
    return np.maximum.accumulate(np.maximum(out, 0.0))
