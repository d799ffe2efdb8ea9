"""A recipe as the configuration of a trainer: nanochat, torchtitan, Hugging Face, or plain JSON."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from isoflop.accounting import Architecture
from isoflop.errors import UsageError, texts
from isoflop.plan.result import Plan
from isoflop.plan.training.recipe import BETAS, CLIP, DECAY, FINAL, RunConfig
from isoflop.quantities import show

ROPE = 500_000.0  # rotary base of Llama 3
NODE = 8  # chips of one machine
_NANOCHAT_ASPECT, _NANOCHAT_HEAD, _NANOCHAT_VOCABULARY = 64, 128, 65_536


def emit(recipe: RunConfig, to: str) -> str:
    """Return the text of a configuration for `to`, one of FORMATS.

    Raises UsageError for a shape that the trainer cannot build.
    """
    return FORMATS[to](recipe)


def nanochat_shape(plan: Plan, convention: str = "total", context: int = 2048) -> Architecture:
    """Return the shape nearest to the planned N that nanochat's one dial, its depth, can make."""
    every = [_of_depth(depth, context) for depth in range(2, 161)]
    return min(every, key=lambda a: abs(math.log(a.parameters(convention) / plan.N.value)))


def _of_depth(depth: int, context: int) -> Architecture:
    width = math.ceil(depth * _NANOCHAT_ASPECT / _NANOCHAT_HEAD) * _NANOCHAT_HEAD
    return Architecture(
        layers=depth,
        width=width,
        heads=width // _NANOCHAT_HEAD,
        feed_forward=4 * width,
        vocabulary=_NANOCHAT_VOCABULARY,
        context=context,
        gated=False,
    )


def _nanochat(config: RunConfig) -> str:
    a = config.architecture
    if a != _of_depth(a.layers, a.context):
        raise UsageError("nanochat builds shapes by its depth alone; use nanochat_shape(plan)")
    arguments = {
        "depth": a.layers,
        "aspect-ratio": _NANOCHAT_ASPECT,
        "head-dim": _NANOCHAT_HEAD,
        "max-seq-len": a.context,
        "device-batch-size": config.local,
        "total-batch-size": config.batch,
        "num-iterations": config.steps,
    }
    lines = " \\\n    ".join(f"--{name}={value}" for name, value in arguments.items())
    per_node = min(NODE, config.chips)
    return (
        "#!/bin/bash\n"
        + _comment(config)
        + "# nanochat sets a learning rate for each group of its weights from the depth, with\n"
        "# Muon for the matrices: the rule for AdamW above is not passed on.\n"
        f"torchrun --standalone --nproc_per_node={per_node} -m scripts.base_train -- \\\n"
        f"    {lines}\n"
    )


def torchtitan_multiplier(width: int, feed_forward: int) -> tuple[float, int]:
    """Return ffn_dim_multiplier and multiple_of, from which torchtitan makes `feed_forward`.

    It rounds int(multiplier * int(8 width / 3)) up to a multiple.
    """
    multiple = math.gcd(feed_forward, 1024)
    inner = int(2 * 4 * width / 3)
    return round((feed_forward - multiple / 2) / inner, 6), multiple


def _torchtitan(config: RunConfig) -> str:
    a = config.architecture
    if a.tied or not a.gated or a.experts:
        raise UsageError(
            "torchtitan's llama3 has untied tables, a gated feed-forward layer and no experts; "
            "give such a shape: tied=False"
        )
    flavor = f"isoflop-{show(config.counted)}"
    return _comment(config) + _flavor(config, flavor) + _toml(_tables(config, flavor))


def _flavor(config: RunConfig, name: str) -> str:
    """Return as a comment the entry that torchtitan's registry of shapes needs."""
    a = config.architecture
    multiplier, multiple = torchtitan_multiplier(a.width, a.feed_forward)
    lines = (
        "Add the flavor to llama3_configs in torchtitan/models/llama3/__init__.py:",
        f'  "{name}": TransformerModelArgs(',
        f"      dim={a.width}, n_layers={a.layers}, n_heads={a.heads}, n_kv_heads={a.kv_heads},",
        f"      ffn_dim_multiplier={multiplier}, multiple_of={multiple}, rope_theta={ROPE:g},",
        f"      vocab_size={a.vocabulary}, max_seq_len={a.context},",
        "  ),",
        f"and a tokenizer of {a.vocabulary} tokens to hf_assets_path; then",
        f"  NGPU={min(NODE, config.chips)} CONFIG_FILE=this.toml ./run_train.sh",
    )
    return "".join(f"# {line}\n" for line in lines) + "\n"


def _tables(config: RunConfig, flavor: str) -> dict[str, dict[str, Any]]:
    """Return torchtitan's tables of settings."""
    optimizer = {"name": "AdamW", "lr": _digits(config.lr), "beta1": BETAS[0], "beta2": BETAS[1]}
    return {
        "job": {"dump_folder": "./outputs", "description": config.planned.question},
        "model": {"name": "llama3", "flavor": flavor, "hf_assets_path": "./assets/tokenizer"},
        "optimizer": {**optimizer, "weight_decay": DECAY},
        "lr_scheduler": {
            "warmup_steps": config.warmup,
            "decay_type": "cosine",
            "min_lr_factor": FINAL,
        },
        "training": {
            "local_batch_size": config.local,
            "global_batch_size": config.sequences,
            "seq_len": config.architecture.context,
            "max_norm": CLIP,
            "steps": config.steps,
            "dataset": "c4",
        },
        "parallelism": {"data_parallel_replicate_degree": 1, "data_parallel_shard_degree": -1},
        "checkpoint": {"enable": True, "interval": max(1, config.steps // 20)},
        "activation_checkpoint": {"mode": "selective"},
    }


def _hugging_face(run: RunConfig) -> str:
    a = run.architecture
    if not a.gated or a.experts or a.latent:
        raise UsageError("LlamaConfig has a gated feed-forward layer, no experts and no latents")
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": a.width,
        "intermediate_size": a.feed_forward,
        "num_hidden_layers": a.layers,
        "num_attention_heads": a.heads,
        "num_key_value_heads": a.kv_heads,
        "head_dim": a.head_size,
        "vocab_size": a.vocabulary,
        "max_position_embeddings": a.context,
        "hidden_act": "silu",
        "rms_norm_eps": 1e-5,
        "rope_theta": ROPE,
        "tie_word_embeddings": a.tied,
        "attention_bias": a.biases,
        "mlp_bias": a.biases,
        "attention_dropout": 0.0,
        "torch_dtype": "bfloat16",
        "use_cache": True,
        "training_arguments": {  # of transformers.TrainingArguments
            "max_steps": run.steps,
            "per_device_train_batch_size": run.local,
            "gradient_accumulation_steps": run.accumulation,
            "learning_rate": _digits(run.lr),
            "lr_scheduler_type": "cosine_with_min_lr",
            "lr_scheduler_kwargs": {"min_lr_rate": FINAL},
            "warmup_steps": run.warmup,
            "adam_beta1": BETAS[0],
            "adam_beta2": BETAS[1],
            "weight_decay": DECAY,
            "max_grad_norm": CLIP,
            "bf16": True,
        },
        "isoflop": facts(run),
    }
    return json.dumps(config, indent=2) + "\n"


def _plain(config: RunConfig) -> str:
    shape = {k: v for k, v in dataclasses.asdict(config.architecture).items() if v is not None}
    suggestions = [dataclasses.asdict(s) for s in config.suggestions]
    return json.dumps(facts(config) | {"shape": shape, "rules": suggestions}, indent=2) + "\n"


def facts(config: RunConfig) -> dict[str, Any]:
    """Return a recipe as plain data."""
    hours, days = config.hours, config.days
    return {
        "question": config.planned.question,
        "N": config.counted,
        "N_planned": config.planned.N.value,
        "D": config.tokens,
        "D_planned": config.planned.D.value,
        "L": config.planned.L.value,
        "batch_tokens": config.batch,
        "batch_sequences": config.sequences,
        "steps": config.steps,
        "warmup_steps": config.warmup,
        "learning_rate": _digits(config.lr),
        "rule": config.rule,
        "chips": config.chips,
        "chip": config.chip,
        "chip_hours": hours and [hours.low, hours.typical, hours.high],
        "days": days and [days.low, days.typical, days.high],
        "notes": texts(config.notes),
    }


def _comment(config: RunConfig) -> str:
    a = config.architecture
    took = ""
    if config.hours is not None and config.days is not None:
        took = (
            f"# {config.chips} x {config.chip}: {show(config.hours.typical)} chip-hours, "
            f"{show(config.days.typical)} days\n"
        )
    rates = ", ".join(f"{s.rule} {s.lr:.2e}" for s in config.suggestions if s.lr is not None)
    return (
        f"# {config.planned.question}\n"
        f"# N = {show(config.counted, 4)}, D = {show(config.tokens, 4)} tokens in {config.steps} "
        f"steps "
        f"of {config.batch} tokens; {a.layers} layers, width {a.width}\n"
        f"{took}"
        f"# peak learning rate {config.lr:.3g} by {config.rule}; by each rule: {rates}\n"
    )


def _toml(tables: Mapping[str, Mapping[str, Any]]) -> str:
    parts = []
    for name, table in tables.items():
        # JSON's way to write a string, a number or a truth is TOML's as well.
        lines = [f"{key} = {json.dumps(value)}" for key, value in table.items()]
        parts.append("\n".join([f"[{name}]", *lines]) + "\n")
    return "\n".join(parts)


def _digits(value: float) -> float:
    return float(f"{value:.4g}")


FORMATS: Mapping[str, Callable[[RunConfig], str]] = MappingProxyType(
    {"nanochat": _nanochat, "torchtitan": _torchtitan, "hf": _hugging_face, "json": _plain}
)
