"""What a model holds and what it costs: parameters, FLOP, bytes, hours, energy, money.

Every count is by a named convention; counts by different conventions are never mixed, only
converted, with what the conversion assumes in plain sight.
"""

from __future__ import annotations

from isoflop.accounting.architecture import Architecture, Latent, Parameters
from isoflop.accounting.conversion import (
    HOFFMANN_FAMILY,
    ComputeFrontier,
    ModelFamily,
    convert_compute,
    convert_parameters,
    nonembedding_frontier,
)
from isoflop.accounting.cost import (
    Accelerators,
    Rates,
    TrainingCost,
    rates,
    training_cost,
    utilisation,
)
from isoflop.accounting.distil import Distilled, distillation_flop
from isoflop.accounting.flop import (
    FLOP_CONVENTIONS,
    decode_flop,
    hoffmann_flop,
    prefill_flop,
    training_flop,
)
from isoflop.accounting.memory import Memory, serving_memory, training_memory
from isoflop.accounting.serving import ServingCost, Workload, serving_cost
from isoflop.accounting.shape import Proposal, shape_for

__all__ = [
    "FLOP_CONVENTIONS",
    "HOFFMANN_FAMILY",
    "Accelerators",
    "Architecture",
    "ComputeFrontier",
    "Distilled",
    "Latent",
    "Memory",
    "ModelFamily",
    "Parameters",
    "Proposal",
    "Rates",
    "ServingCost",
    "TrainingCost",
    "Workload",
    "convert_compute",
    "convert_parameters",
    "decode_flop",
    "distillation_flop",
    "hoffmann_flop",
    "nonembedding_frontier",
    "prefill_flop",
    "rates",
    "serving_cost",
    "serving_memory",
    "shape_for",
    "training_cost",
    "training_flop",
    "training_memory",
    "utilisation",
]
