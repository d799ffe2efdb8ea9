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
from isoflop.downstream.task_columns import read_tasks
from isoflop.downstream.task_forecasts import (
    TaskForecast,
    TaskForecasts,
    TwoSteps,
    forecast_tasks,
)

__all__ = [
    "DownstreamMethod",
    "Missed",
    "Signal",
    "TaskForecast",
    "TaskForecasts",
    "TwoStepFit",
    "TwoSteps",
    "backtest",
    "chain",
    "classify",
    "forecast_score",
    "forecast_tasks",
    "loss_growth",
    "nearest",
    "read_tasks",
    "refuse_no_shares",
    "rms",
    "signal",
    "ways",
]
