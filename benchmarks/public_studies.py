"""Public runs, each cut in two: those up to a compute that a forecast may see, and the larger ones.

ISOFLOP_DATA names the folder that holds them, or several with the path separator between. A study
that is not there is left out by name. None of these has a part in the acceptance of a release.

  chinchilla_figure4       Hoffmann et al. 2022, read off figure 4 by Epoch (epoch-research/
                           analyzing-chinchilla); without the five runs of the highest loss
  overtraining_gadre2024   Gadre et al. 2024, three training sets (mlfoundations/scaling)
  data_constrained_muennighoff2023   Muennighoff et al. 2023 (huggingface/datablations)
  scalebench               tuned rates and batches, vocabularies and experts (PlanarG/active-sl)
  misfitting_li2025        Li et al. 2025: the best rate of each size and tokens
                           (hadasah/scaling_laws, data/scaling_results_last_ckpt_only.csv)
  dense_openeurollm2025    rates and batches smoothed to the best of each size and tokens
                           (OpenEuroLLM/dense_english_scaling_laws, data/best_HPs)
  xlstm_beck2025           Transformers and xLSTM at equal compute (NX-AI/xlstm_scaling_laws): the
                           completed runs of data/isoflop_*.pkl, one row each, by parameters,
                           tokens of steps x batch x context, and last validation loss
  nmt_bansal2022           translation by sentences seen (google-research/google-research,
                           revisiting_neural_scaling_laws/data)
  sample:tiny              our own sweep
"""

from __future__ import annotations

import csv
import functools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isoflop.assess import Candidate
from isoflop.runs import Runs
from isoflop.sources import read, sample_names

OVER_N = (Candidate("power", over="N"), Candidate("power", {"E": 0.0}, over="N"))
OVER_D = (Candidate("power", over="D"), Candidate("power", {"E": 0.0}, over="D"))


class Missing(Exception):
    """A study whose file is not here."""


@dataclass(frozen=True, eq=False)
class Study:
    """Runs, and the cuts above which they are held out; `source` is whose runs they are.

    `laws` are those that the runs call for, None for every law of N and D.
    """

    source: str
    runs: Runs
    cuts: tuple[float, ...]
    axis: str = "C"
    laws: tuple[Candidate, ...] | None = None
    always: np.ndarray | None = None  # runs that every cut may see

    def held(self, cut: float) -> np.ndarray:
        """Return which runs (n,) lie above a cut."""
        runs = self.runs
        size = 6 * runs["N"] * runs["D"] if self.axis == "C" else runs[self.axis]
        above = size > cut
        return above if self.always is None else above & ~self.always


@dataclass(frozen=True, eq=False)
class Case:
    """One cut of a study."""

    name: str
    study: Study
    held: np.ndarray

    @property
    def seen(self) -> Runs:
        """The runs that a forecast may see."""
        return self.study.runs.select(~self.held)

    @property
    def at(self) -> dict[str, np.ndarray]:
        """The inputs (k,) of the runs that are held out."""
        runs = self.study.runs
        return {s: runs[s][self.held] for s in runs.columns if s not in ("L", "C")}

    @property
    def truth(self) -> np.ndarray:
        """The losses (k,) of the runs that are held out."""
        return self.study.runs["L"][self.held]


def data(name: str) -> Path:
    """Return the path of a file of a study."""
    for folder in filter(None, os.environ.get("ISOFLOP_DATA", "").split(os.pathsep)):
        if (path := Path(folder) / name).exists():
            return path
    raise Missing(f"needs {name}: set ISOFLOP_DATA to the folder that holds it")


def rows_of(name: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with data(name).open() as file:
        return list(csv.DictReader(file))


def table(rows: list[dict[str, str]], **columns: str) -> Runs:
    """Return runs by the names of their columns."""
    return Runs({s: [float(r[c]) for r in rows] for s, c in columns.items()})


def best(rows: list[dict[str, str]], **columns: str) -> Runs:
    """Return the runs of least loss at each size and token count."""
    least: dict[tuple[float, float], float] = {}
    for r in rows:
        key = (float(r[columns["N"]]), float(r[columns["D"]]))
        least[key] = min(least.get(key, np.inf), float(r[columns["L"]]))
    N, D = np.array(list(least)).T
    return Runs({"N": N, "D": D, "L": list(least.values())})


def figure4() -> Study:
    path = data("chinchilla_figure4/svg_extracted_data.csv")
    runs = read(path, columns={"N": "Model Size", "C": "Training FLOP", "L": "loss"},
                derive="D=C/6N")  # fmt: skip
    runs = runs.select(np.argsort(runs["L"])[:-5])
    return Study("Hoffmann", runs, (3.2e20, 1e20, 3e19))


def gadre(trained_on: str) -> Study:
    rows = [r for r in rows_of("overtraining_gadre2024/models_losses_evals.csv")
            if r["train_dataset"] == trained_on]  # fmt: skip
    return Study("Gadre", table(rows, N="N", D="D", L="loss_c4_val"), (2e20, 3e19))


def single_epoch() -> Study:
    rows = rows_of("data_constrained_muennighoff2023/data_constrained_runs.csv")
    runs = table([r for r in rows if float(r["epochs"]) <= 1], N="N", D="D", L="loss")
    return Study("Muennighoff", runs, (2e20, 4e19))


def repeated() -> Study:
    """Runs that saw data more than once; large ones that saw it once are another study's."""
    rows = rows_of("data_constrained_muennighoff2023/data_constrained_runs.csv")
    runs = table(rows, N="N", D="D", U="unique_tokens", L="loss")
    large_once = (6 * runs["N"] * runs["D"] > 2e20) & (runs["D"] <= runs["U"])
    runs = runs.select(~large_once)
    return Study("Muennighoff", runs, (2e20,))


def tuned_rate() -> Study:
    rows = rows_of("scalebench/lr_bsz_train.csv")
    runs = best(rows, N="non_embedding_param_size", D="data_size", L="lm_loss")
    return Study("Step Law", runs, (5e19, 2e19))


def vocabulary(size: int) -> Study:
    """Runs with one vocabulary. Losses are relative to a unigram model; 10 makes them positive."""
    rows = [r for r in rows_of("scalebench/vocab_train.csv") if float(r["vocab_size"]) == size]
    runs = table(rows, N="non_vocab_parameters", D="num_characters", L="unigram_normalized_loss")
    runs = Runs({**runs.columns, "L": runs["L"] + 10})
    top = float(6 * (runs["N"] * runs["D"]).max())
    return Study("vocabulary", runs, (top / 10, top / 30))


def mixture(experts: int) -> Study:
    """Mixtures with one number of experts: five sizes, the largest held out."""
    rows = [r for r in rows_of("scalebench/moe_train.csv") if float(r["num_experts"]) == experts]
    runs = table(rows, N="dense_parameter_count", L="loss_validation")
    return Study("mixtures", runs, (3e8,), "N", OVER_N)


def misfitting() -> Study:
    rows = rows_of("misfitting_li2025/scaling_results_last_ckpt_only.csv")
    runs = best(rows, N="N", D="D", L="loss")
    top = float(6 * (runs["N"] * runs["D"]).max())
    return Study("Li", runs, (top / 10, top / 60))


def openeurollm() -> Study:
    rows = rows_of("dense_openeurollm2025/lr_gbsz_min_smooth.csv")
    return Study("OpenEuroLLM", table(rows, N="N", D="D", L="loss"), (3e20, 8e19))


def xlstm(model: str, context: int, cuts: tuple[float, ...]) -> Study:
    """Runs at equal compute; those that diverged, of losses above 5, are left out."""
    rows = [r for r in rows_of("xlstm_beck2025/isoflop_runs.csv")
            if r["model"] == model and float(r["context"]) == context
            and float(r["loss"]) < 5]  # fmt: skip
    return Study("Beck", table(rows, N="N", D="D", L="loss"), cuts)


def translation(model: str) -> Study:
    rows = [r for r in rows_of("nmt_bansal2022/benchmark.lang.csv") if r["Model"] == model]
    return Study("Bansal", table(rows, D="Seen Examples", L="Loss"), (4e7,), "D", OVER_D)


def own_sweep() -> Study:
    if "tiny" not in sample_names():
        raise Missing("needs sample:tiny, which this checkout does not hold")
    runs = read("sample:tiny")
    runs = Runs({s: runs[s] for s in ("N", "D", "L")})
    top = float(6 * (runs["N"] * runs["D"]).max())
    return Study("own", runs, (top / 4,))


STUDIES: dict[str, Callable[[], Study]] = {
    "figure 4": figure4,
    **{f"Gadre, {k}": functools.partial(gadre, k) for k in ("c4_original", "rpj", "rw_original")},
    "single epoch": single_epoch,
    "repeated data": repeated,
    "best rate and batch": tuned_rate,
    **{f"vocabulary {v}": functools.partial(vocabulary, v) for v in (4096, 16384, 64512)},
    **{f"{e} experts": functools.partial(mixture, e) for e in (1, 8, 64, 256)},
    "misfitting": misfitting,
    "OpenEuroLLM": openeurollm,
    "Llama, 2k context": functools.partial(xlstm, "llama", 2048, (1.5e19, 8e18)),
    "Llama, 8k context": functools.partial(xlstm, "llama", 8192, (4e19, 1.2e19, 6.5e18)),
    "Llama, 16k context": functools.partial(xlstm, "llama", 16384, (1e19,)),
    "xLSTM, 16k context": functools.partial(xlstm, "mlstm", 16384, (2e19, 9e18)),
    **{f"translation, {m}": functools.partial(translation, m)
       for m in ("6 Enc, 6 Dec", "6 Enc, 28 Dec", "Dec-only")},
    "own sweep": own_sweep,
}  # fmt: skip


@functools.cache
def study(name: str) -> Study:
    """Return a study by its name."""
    return STUDIES[name]()


def cases() -> Iterator[Case]:
    """Yield every cut of every study that is here; one that is not is named."""
    for name in STUDIES:
        try:
            item = study(name)
        except Missing as reason:
            print(f"{name}: not run, {reason}")
            continue
        for i, cut in enumerate(item.cuts):
            label = name if i == 0 else f"{name} (cut {i + 1})"
            yield Case(label, item, item.held(cut))
