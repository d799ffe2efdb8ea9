"""Scores of tasks, forecast in two steps: loss on the task from scale, score from that loss."""

from __future__ import annotations

from isoflop.downstream.chain import TwoStepFit, chain, forecast_score, refuse_no_shares
from isoflop.downstream.methods import (
    DownstreamMethod,
    Missed,
    backtest,
    loss_growth,
    nearest,
    rms,
    ways,
)
from isoflop.downstream.task import Signal, classify, signal

__all__ = [
    "DownstreamMethod",
    "Missed",
    "Signal",
    "TwoStepFit",
    "backtest",
    "chain",
    "classify",
    "forecast_score",
    "loss_growth",
    "nearest",
    "refuse_no_shares",
    "rms",
    "signal",
    "ways",
]
