"""Which laws are fitted to which public runs: one line for each, and how its columns are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from isoflop.documentation.evidence import Dataset, EvidenceEntry, folder_of_data, measure, write
from isoflop.errors import UnknownName
from isoflop.law import form
from isoflop.laws.tao_vocabulary import tokens_per_character
from isoflop.runs import Runs
from isoflop.terminal import say

FIGURE_4 = Dataset(
    "chinchilla_figure4/svg_extracted_data.csv",
    "points read off Hoffmann et al. 2022, figure 4, by Besiroglu et al. 2024 "
    "(github.com/epoch-research/analyzing-chinchilla)",
    "none stated: not handed on",
    shareable=False,
)
GADRE = Dataset(
    "overtraining_gadre2024/models_losses_evals.csv",
    "Gadre et al. 2024, arXiv:2403.08540 (github.com/mlfoundations/scaling)",
    "MIT",
    shareable=True,
)
REPEATED = Dataset(
    "data_constrained_muennighoff2023/data_constrained_runs.csv",
    "Muennighoff et al. 2023, arXiv:2305.16264 (github.com/huggingface/datablations)",
    "Apache-2.0",
    shareable=True,
)


def _scalebench(task: str, first: str) -> Dataset:
    """Return one task's training part of a collection of scaling experiments."""
    return Dataset(
        f"scalebench/{task}_train.csv",
        f"{first}, as collected in github.com/PlanarG/active-sl",
        "CC-BY-4.0",
        shareable=True,
    )


SCALEBENCH_REPEATED = _scalebench("data_constrained", "Muennighoff et al. 2023, arXiv:2305.16264")

MOE = _scalebench("moe", "Clark et al. 2022, arXiv:2202.01169")
PARALLEL = _scalebench("parallel", "Chen et al. 2025, arXiv:2505.10475")
UPCYCLED = _scalebench("sparsity", "Liew et al. 2025, arXiv:2502.03009")
MIXTURES = _scalebench("domain_mixture", "mixtures of five domains, after arXiv:2403.16952")
VOCABULARIES = _scalebench("vocab", "Tao et al. 2024, arXiv:2407.13623")
RATES = _scalebench("lr_bsz", "Li et al. 2025, arXiv:2503.04715")


def _curve(schedule: str) -> Dataset:
    """Return one training curve of a model of 100M parameters."""
    return Dataset(
        f"loss_curves_luo2025/100M/{schedule}.csv",
        "Luo et al. 2025, arXiv:2503.12811 (github.com/thu-yao-01-luo/MultiPowerLaw)",
        "MIT",
        shareable=True,
    )


CONSTANT = _curve("constant_72000")

_FIGURE_4 = {
    "columns": {"N": "Model Size", "C": "Training FLOP", "L": "loss"},
    "derive": ["D=C/6N"],
    "where": "L < 3.44",
    "conventions": {"N": "total", "C": "6ND"},
}
_FIVE = "the five highest losses are left out, as in the published refit"
_GRID = {
    "columns": {"N": "non_embedding_param_size", "D": "data_size", "L": "lm_loss", "lr": "lr"},
    "derive": ["batch=bsz*2048"],
    "conventions": {"N": "non-embedding"},
}
_EXPERTS = {
    "columns": {"N": "dense_parameter_count", "experts": "num_experts", "L": "loss_validation"},
    "conventions": {"N": "total"},
}
_SHARES = {f"w{i}": f"proportion_domain_{i}" for i in range(1, 6)}
_SEVENTEEN = (  # tasks that the source finds above chance at 154M parameters
    "bigbench_operators",
    "pubmed_qa_labeled",
    "hellaswag_zeroshot",
    "boolq",
    "arc_easy",
    "coqa",
    "bigbench_dyck_languages",
    "lambada_openai",
    "bigbench_novel_concepts",
    "winograd",
    "bigbench_cs_algorithms",
    "commonsense_qa",
    "bigbench_qa_wikidata",
    "hellaswag",
    "copa",
    "squad",
    "piqa",
)
_TRAINED_ON = (("c4_original", "C4"), ("rpj", "RedPajama"), ("rw_original", "RefinedWeb"))


def _with_tables(runs: Runs) -> Runs:
    """N_V = V times the width of its model, and runs from 2.18e17 FLOP on, as in the source."""
    N, V = runs["N"], runs["V"]
    widths = np.select([N < 5e7, N < 2e8, N < 5e8, N < 1e9], [512, 768, 1024, 1536], 2048)
    D = runs["chars"] * tokens_per_character(V)
    C = 6 * (N + V * widths) * D
    return replace(runs, columns={**runs.columns, "N_V": V * widths, "C": C}).select(C >= 2.18e17)


def _thinned(runs: Runs) -> Runs:
    """One evaluation in five: neighbours along a run say the same."""
    return runs[::5]


def _overtrained(which: str) -> dict[str, object]:
    """Return how the columns of one training set are read, at 20 tokens per parameter and more."""
    return {
        "columns": {"N": "N", "D": "D", "L": "loss_c4_val"},
        "where": f"train_dataset == '{which}' and chinchilla_multiplier >= 1",
        "conventions": {"N": "total"},
    }


def _scored(assignment: str) -> dict[str, object]:
    """Return how a score, or an error, is read beside the loss, of models on RedPajama."""
    return {
        "columns": {"N": "N", "D": "D", "C": "C_6ND", "L": "loss_c4_val"},
        "derive": [assignment],
        "where": "train_dataset == 'rpj' and chinchilla_multiplier >= 1",
        "conventions": {"N": "total", "C": "6ND"},
    }


def _upcycled(law: str, size: str, convention: str) -> EvidenceEntry:
    """Return a law of mixtures on dense models made into mixtures of two or four active experts."""
    return EvidenceEntry(
        law,
        "upcycled mixtures",
        UPCYCLED,
        "N",
        read={
            "columns": {"L": "loss"},
            "derive": [f"N={size}*1e9", "D=D2*1e9", "sparsity=1-1/P", "experts=P"],
            "where": "N_active > 1.1*N_dense",
            "conventions": {"N": convention},
        },
        options={"fix": {"E": 1.5}},
        note="P is all parameters over active ones; three levels of D cannot pin a floor, so that "
        "E is pinned at 1.5",
    )


ENTRIES: tuple[EvidenceEntry, ...] = (
    *(
        EvidenceEntry(law, "figure 4", FIGURE_4, "C", read=_FIGURE_4, note=_FIVE)
        for law in (
            "chinchilla",
            "farseer",
            "generalised",
            "kaplan-joint",
            "log-quadratic",
            "multiplicative",
            "over-training",
        )
    ),
    *(
        EvidenceEntry(law, f"over-trained, {name}", GADRE, "C", read=_overtrained(which))
        for law in ("chinchilla", "over-training")
        for which, name in _TRAINED_ON
    ),
    EvidenceEntry(
        "muennighoff",
        "repeated data, up to 10 epochs",
        REPEATED,
        "C",
        read={
            "columns": {"U": "unique_tokens"},
            "where": "D <= 10*U",
            "conventions": {"N": "total"},
        },
        note="beyond about ten epochs loss rises in many of these runs, and the law cannot",
    ),
    EvidenceEntry(
        "muennighoff",
        "repeated data, all epochs",
        SCALEBENCH_REPEATED,
        "C",
        read={
            "columns": {"U": "unique_tokens", "N": "params", "D": "tokens"},
            "conventions": {"N": "total"},
        },
        note="runs that diverged were left out by those who collected them",
    ),
    EvidenceEntry(
        "clark-moe",
        "routed models",
        MOE,
        "N",
        read=_EXPERTS,
        options={"objective": "squared"},
        note="130B tokens for all, and routers of several kinds, which the table does not tell",
    ),
    _upcycled("abnar-sparsity", "N_active*P", "total"),
    *(
        _upcycled(law, "N_active", "active")
        for law in ("frantar-sparsity", "wang-moe", "yun-moe", "ludziejewski-moe")
    ),
    *(
        EvidenceEntry(
            "parallel-streams",
            f"parallel streams, {name}",
            PARALLEL,
            "N",
            read={
                "columns": {"N": "num_params", "copies": "parallel_size"},
                "where": f"group == '{group}'",
                "conventions": {"N": "non-embedding"},
            },
        )
        for group, name in (("pile", "the Pile"), ("stack", "the Stack"))
    ),
    *(
        EvidenceEntry(
            law,
            "best of each size and data",
            RATES,
            "D",
            read=_GRID,
            best=("N", "D"),
            note="of grids of rates and batches, whose steps of 1.4 to 2 are its noise",
        )
        for law in ("batch-size", "learning-rate")
    ),
    EvidenceEntry(
        "rate-of-batch",
        "best rate of each batch, 268M on 80B tokens",
        RATES,
        "batch",
        read={**_GRID, "where": "non_embedding_param_size < 269M and data_size == 80B"},
        best=("batch",),
    ),
    EvidenceEntry(
        "log-rate",
        "best rate of each size, on 2B tokens",
        RATES,
        "N",
        read={**_GRID, "where": "data_size == 2B"},
        best=("N",),
        note="the best of a grid of rates and batches, whose steps of 1.4 to 2 are its noise",
    ),
    EvidenceEntry(
        "rate-batch-surface",
        "grids of rates and batches",
        RATES,
        "N",
        read=_GRID,
        note="every run of the grids counts: leaving runs out by their loss bends the bowl",
    ),
    EvidenceEntry(
        "learning-curve-at-batch",
        "best rate of each batch",
        RATES,
        "N",
        read={**_GRID, "derive": ["batch=bsz*2048", "steps=D/batch"]},
        best=("N", "D", "batch"),
        options={"fix": {"E": 0.0}},
    ),
    EvidenceEntry(
        "tao-vocabulary",
        "vocabularies of 4k to 64k",
        VOCABULARIES,
        "C",
        read={
            "columns": {
                "N": "non_vocab_parameters",
                "V": "vocab_size",
                "chars": "num_characters",
                "L_u": "unigram_normalized_loss",
            },
            "conventions": {"N": "non-embedding"},
        },
        prepare=_with_tables,
    ),
    *(
        EvidenceEntry(
            "mixture-5",
            f"loss on domain {domain} at 410M",
            MIXTURES,
            every=4,
            read={"columns": {**_SHARES, "L": f"loss_domain_{domain}"}, "where": "group == 410M"},
        )
        for domain in (1, 2, 3, 4, 5)
    ),
    *(
        EvidenceEntry(
            law, f"{name} of over-trained models", GADRE, "C", read=_scored(f"score={column}")
        )
        for law in ("downstream-direct", "downstream-sigmoid")
        for column, name in (("acc_hellaswag", "HellaSwag"), ("acc_arc_easy", "ARC easy"))
    ),
    EvidenceEntry(
        "error-of-loss",
        "mean of 17 tasks of over-trained models",
        GADRE,
        "C",
        read=_scored(f"error=1-({'+'.join(f'acc_{task}' for task in _SEVENTEEN)})/17"),
    ),
    *(
        EvidenceEntry(
            law,
            "a curve at a constant rate",
            CONSTANT,
            "steps",
            read={"columns": {"steps": "step"}},
            over="steps",
            predicts="L",
            prepare=_thinned,
            note="losses along one run, which are not independent: intervals are too narrow",
        )
        for law in ("broken-power", "m3", "m4", "power")
    ),
)


def measure_all(wanted: Sequence[str]) -> None:
    """Measure the evidence of the laws that are named, or of all, and write it."""
    folder, evidence = folder_of_data(), []
    for law in wanted:
        if not any(e.law == law for e in ENTRIES):
            raise UnknownName("law with evidence", law, sorted({e.law for e in ENTRIES}))
    for entry in ENTRIES:
        if not wanted or entry.law in wanted:
            form(entry.law)
            evidence.append(measure(entry, folder))
            last = evidence[-1]
            held_out_text = f", held out {last.held_out[-1].rms:.4g}" if last.held_out else ""
            say(f"{entry.key}: {last.runs} runs, {last.status}, rms {last.rms:.4g}{held_out_text}")
    write(evidence)
