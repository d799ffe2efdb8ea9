"""A run watched from within its own training: an estimate of its final loss in the training log.

Trainers' libraries are loaded when a callback for them is made, and not before.
"""

from __future__ import annotations

from isoflop.monitor.callbacks.hugging_face import transformers_callback
from isoflop.monitor.callbacks.lightning_trainer import lightning_callback
from isoflop.monitor.callbacks.loop import Watch
from isoflop.monitor.callbacks.rl_file import trl_callback

__all__ = ["Watch", "lightning_callback", "transformers_callback", "trl_callback"]
