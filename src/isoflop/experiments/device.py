"""Where a trial may run: the processor, or an accelerator that this machine has."""

from __future__ import annotations

import re

from isoflop.errors import EnvironmentFailure, UsageError, brief

_WRITTEN = re.compile(r"cpu|mps|cuda(?::([0-9]{1,3}))?")


def refuse_device(device: str) -> None:
    """Raise for a device that a trial could not run on, before a FLOP is spent.

    UsageError for what is no device, EnvironmentFailure for one that this machine lacks.
    """
    match = _WRITTEN.fullmatch(device)
    if match is None:
        raise UsageError(f"device is {brief(device)}; it must be cpu, cuda, cuda:0 or mps")
    if device == "cpu":
        return
    import torch  # slow, and not needed for the processor

    if device == "mps":
        if not torch.backends.mps.is_available():
            raise EnvironmentFailure("device is 'mps', which this machine does not have; say cpu")
        return
    count, number = torch.cuda.device_count(), int(match[1] or 0)
    if number >= count:
        there = f"it has {count}, counted from 0" if count else "it has none"
        raise EnvironmentFailure(
            f"device is {device!r}, and PyTorch sees no such GPU on this machine: {there}"
        )
