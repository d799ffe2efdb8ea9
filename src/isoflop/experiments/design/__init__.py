"""Studies as files: what varies, by which design, for what budget; trials follow from them."""

from __future__ import annotations

from isoflop.experiments.design.layouts import PlannedRun
from isoflop.experiments.design.study_file import StudyFile, json_schema
from isoflop.experiments.design.sweeping import run_study
from isoflop.experiments.design.trials import held_out_trial, trials_of

__all__ = ["PlannedRun", "StudyFile", "held_out_trial", "json_schema", "run_study", "trials_of"]
