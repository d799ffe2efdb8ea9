"""The number format of a model's products: bfloat16 where this machine is faster by it, measured.

A processor without units for bfloat16 makes every product of it by converting: slower by twenty
times. Flags say what a processor has, not what a library does with it; a measurement says both.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import platform
import time
from pathlib import Path
from typing import Any, Literal, get_args

import torch

from isoflop.errors import IsoflopError
from isoflop.experiments.pretrain.corpus import default_cache
from isoflop.experiments.pretrain.gpt import GPT
from isoflop.experiments.pretrain.shape import Shape
from isoflop.files import parse_json, read_text
from isoflop.store import canonical, write_atomically

Precision = Literal["float32", "bfloat16"]

WIDE = 256  # [channels] from which products outweigh their casts, where bfloat16 pays at all
GAIN = 1.25  # by which bfloat16 must be faster: a busy machine decides nothing by less
CLEAR = 4.0  # by which bfloat16 may be slower before measuring on is a waste
REPEATS = 3  # of each format, taken in turns
TOKENS = 128  # that are trained on in each repeat
LIBRARIES = ("ATEN_CPU_CAPABILITY", "MKL_ENABLE_INSTRUCTIONS", "ONEDNN_MAX_CPU_ISA")


def precision(width: int, device: str) -> Precision:
    """Return the format in which a model of `width` channels trains on `device`.

    Narrow models are float32. Others are bfloat16 on a GPU whose units take it, and on a CPU where
    a measurement, of under a second and once for a machine, finds it faster.
    """
    kind = device.split(":")[0]
    if width < WIDE or kind not in ("cpu", "cuda"):
        return "float32"
    if kind == "cuda":
        with torch.cuda.device(device):
            native = torch.cuda.is_bf16_supported(including_emulation=False)
        return "bfloat16" if native else "float32"
    return _of_this_processor(default_cache())


def products(chosen: Precision, device: str) -> contextlib.AbstractContextManager[Any]:
    """Return the context in which products are made in the format that was chosen."""
    if chosen == "float32":
        return contextlib.nullcontext()
    return torch.autocast(device.split(":")[0], dtype=torch.bfloat16)


@functools.cache
def _of_this_processor(cache: Path) -> Precision:
    """Return the faster format, from `cache` where this machine was measured before."""
    path = cache / f"precision-{_machine()}.json"
    with contextlib.suppress(IsoflopError, ValueError):  # it is measured again
        if (cached := parse_json(read_text(path))) in get_args(Precision):
            return cached  # type: ignore[no-any-return]
    plain, short = _seconds()
    faster: Precision = "bfloat16" if short * GAIN < plain else "float32"
    with contextlib.suppress(OSError):  # a cache is a convenience
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, lambda file: file.write(json.dumps(faster).encode()))
    return faster


def _machine() -> str:
    """Return a mark of the processor, of torch, and of the instructions that it may use."""
    lines: list[str] = []
    with contextlib.suppress(IsoflopError):  # elsewhere `platform` alone says what it is
        lines = read_text(Path("/proc/cpuinfo")).splitlines()
    names = sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))})
    limits = [os.environ.get(name) for name in LIBRARIES]
    identity = [platform.machine(), platform.processor(), names, torch.__version__, limits]
    return hashlib.sha256(canonical(identity).encode()).hexdigest()[:16]


def _seconds() -> tuple[float, float]:
    """Return the least time of a step of one block in float32 and in bfloat16 [CPU s]."""
    shape = Shape(WIDE, 1, context=TOKENS)
    model = GPT(shape)
    window = torch.arange(TOKENS + 1)[None] % shape.vocabulary
    least = {"float32": float("inf"), "bfloat16": float("inf")}
    for repeat in range(REPEATS + 1):
        for name in get_args(Precision):
            began = time.process_time()
            with products(name, "cpu"):
                loss = model.loss(window)
            loss.backward()  # type: ignore[no-untyped-call]
            if repeat:  # the first sets things up
                least[name] = min(least[name], time.process_time() - began)
        if repeat and least["bfloat16"] > CLEAR * least["float32"]:
            break
    return least["float32"], least["bfloat16"]
