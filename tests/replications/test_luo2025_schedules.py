"""Luo et al. 2025, arXiv:2503.12811: the multi-power law on curves that it was not fitted to.

Needs the curves, which are not shipped. The schedules are made from text, every step of them, as
in the paper: warm-up of 2,160 steps, peak 3e-4.
"""

from __future__ import annotations

import numpy as np
import pytest

from isoflop.schedules import PUBLISHED, LossCurve, fit, held_out, read_curves, recipe
from isoflop.schedules.fitting import ScheduleFit
from isoflop.schedules.forms import CHOICES

SETTING = "peak=3e-4,warmup=2160"
FITTED = {
    "cosine_24000": f"cosine:{SETTING},end=3e-5,steps=24000",
    "constant_24000": f"constant:{SETTING},steps=24000",
    "wsdcon_9": f"drop:{SETTING},end=9e-5,steps=16000,at=8000",
}
TESTED = {
    "constant_72000": f"constant:{SETTING},steps=72000",
    "cosine_72000": f"cosine:{SETTING},end=3e-5,steps=72000",
    "wsd_20000_24000": f"wsd:{SETTING},end=3e-5,steps=24000,decay=4000,shape=exponential",
    "wsdld_20000_24000": f"wsd:{SETTING},end=3e-5,steps=24000,decay=4000,shape=linear",
    "wsdcon_18": f"drop:{SETTING},end=1.8e-4,steps=16000,at=8000",
    "wsdcon_3": f"drop:{SETTING},end=3e-5,steps=16000,at=8000",
}
# R2, mean absolute, root mean square, mean relative and worst relative error, over six curves
PRINTED = {
    "25M": (0.9988, 0.00376, 0.00465, 0.00110, 0.00409),
    "100M": (0.9983, 0.00435, 0.00592, 0.00142, 0.00583),
}
METRICS = ("R²", "MAE", "RMSE", "PredE", "WorstE")


def curves(public_data, size: str, texts: dict[str, str]) -> list[LossCurve]:
    """Return curves with the whole schedule behind them, which must be that of the table."""
    found = []
    for name, text in texts.items():
        (read,) = read_curves(public_data(f"loss_curves_luo2025/{size}/{name}.csv"), warmup=2160)
        schedule = recipe(text).schedule(name)
        assert schedule.rates[read.steps] == pytest.approx(read.schedule.rates[read.steps])
        found.append(LossCurve(name, schedule, read.steps, read.loss))
    return found


@pytest.mark.parametrize("size", ["25M", "100M"])
def test_v21_constants_as_published(replicated, public_data, size):
    law, seen = PUBLISHED[f"multi-power/luo2025-{size}"].law, curves(public_data, size, FITTED)
    known = ScheduleFit(CHOICES["multi-power-free"], law, (), tuple(seen), 0.0, 0)
    rows = []
    for curve in curves(public_data, size, TESTED):
        h = held_out(known, curve)
        share = np.abs(h.error) / curve.loss
        rows.append((h.r2, h.mae, np.sqrt((h.error**2).mean()), share.mean(), share.max()))
    for what, paper, ours in zip(METRICS, PRINTED[size], np.mean(rows, axis=0), strict=True):
        replicated("V21", f"{what} at {size}", paper=paper, ours=ours, within=1e-4)


@pytest.mark.parametrize("size", ["25M", "100M"])
def test_v22_annealing_law_fitted_here(replicated, public_data, size):
    """Tissue et al.'s form through three curves, held against the other six."""
    found = fit("annealing", curves(public_data, size, FITTED))
    r2 = np.mean([held_out(found, c).r2 for c in curves(public_data, size, TESTED)])
    replicated("V22", f"R² at {size}", paper=0.998, ours=r2, within=1e-3)
    assert found.law.memory == pytest.approx(0.998, abs=5e-4)
