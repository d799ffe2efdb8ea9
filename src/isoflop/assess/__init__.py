"""How far a law can be trusted: held against runs that it was not shown."""

from __future__ import annotations

from isoflop.assess.backtest import Backtest, Candidate, Held, backtest

__all__ = ["Backtest", "Candidate", "Held", "backtest"]
