"""`study.toml`: a study as a file, read into types, with its JSON schema."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

from pydantic import Field, PrivateAttr, ValidationError

from isoflop.errors import UsageError
from isoflop.experiments.design.fields import StudyTable, in_words
from isoflop.experiments.design.layouts import PlannedRun, lay_out, with_variations
from isoflop.experiments.design.sizes import TrialSize, held_out_size, sizes_of
from isoflop.experiments.design.tables import (
    BudgetTable,
    Design,
    EngineTable,
    HardwareTable,
    HeldOutTable,
    ListDesign,
    ListedRun,
    SizesTable,
    TrackerTable,
    TrialTable,
    VaryTable,
)
from isoflop.experiments.tracking.tracker import Tracking
from isoflop.experiments.trainer.command import placeholders
from isoflop.experiments.trainer.functions import function_of, parameters_of
from isoflop.files import read_text

SCHEMA = 1
NAME = re.compile(r"[\w.-]{1,80}")


class StudyFile(StudyTable):
    """A study as its file states it; `trials` and `runs` follow from it alone."""

    schema_version: int = Field(default=SCHEMA, alias="schema", ge=1, le=SCHEMA)
    name: str = Field(description="of the study; its runs are kept in a folder of this name")
    law: str = Field(default="chinchilla", description="the form by which a plan is judged")
    noise: float = Field(
        default=0.005, gt=0, lt=1, description="scatter of log losses that is expected"
    )
    trial: TrialTable
    sizes: SizesTable
    design: Design
    vary: VaryTable = VaryTable()
    extra: tuple[ListedRun, ...] = Field(default=(), description="runs beyond the design")
    held_out: HeldOutTable | None = None
    budget: BudgetTable = BudgetTable()
    engine: EngineTable = EngineTable()
    tracker: TrackerTable | None = None
    hardware: HardwareTable = HardwareTable()
    _place: Path = PrivateAttr(default_factory=Path.cwd)

    @staticmethod
    def read(path: str | os.PathLike[str]) -> StudyFile:
        """Return the study that a file describes.

        Raises UsageError for a file that is not there, is no TOML, or holds what no study has;
        the message names the key and the value seen.
        """
        file = Path(path)
        try:
            values = tomllib.loads(read_text(file, UsageError))
        except tomllib.TOMLDecodeError as error:
            raise UsageError(f"{file} is not TOML: {error}") from None
        return StudyFile.of(values, file.resolve().parent, str(file))

    @staticmethod
    def of(values: dict[str, Any], place: Path | None = None, origin: str = "study") -> StudyFile:
        """Return the study that nested mappings describe; `place` is where its paths start.

        Raises UsageError as `read` does.
        """
        try:
            study = StudyFile.model_validate(values)
        except ValidationError as failure:
            raise in_words(failure, StudyFile, origin) from None
        if not NAME.fullmatch(study.name) or study.name in (".", ".."):
            raise UsageError(
                f"{origin}: name is {study.name!r}; letters, digits, '.', '_' and '-' alone, "
                "since it names a folder"
            )
        if place is not None:
            study._place = place
        return study

    @property
    def place(self) -> Path:
        """The folder that paths of the file start from: that of the file."""
        return self._place

    @property
    def folder(self) -> Path:
        """Where the study's runs are kept."""
        return self._place / self.name

    @property
    def held_out_folder(self) -> Path:
        """Where the run that is held out is kept, apart from those that a law is fitted to."""
        return self._place / f"{self.name}-held-out"

    def tracking(self, track: str | None = None) -> Tracking | None:
        """Return where trials are sent: to `track` (NAME or NAME:PLACE), or as the file says."""
        table = self.tracker
        stated = None if table is None else f"{table.name}:{table.where}".removesuffix(":")
        project = (table.project if table is not None else None) or self.name
        where = track or stated
        return None if where is None else Tracking(where, project)

    @property
    def workdir(self) -> Path:
        """Where a trainer stands."""
        return (self._place / self.trial.workdir).resolve()

    @property
    def wanted(self) -> frozenset[str]:
        """The placeholders that the trial uses; of a function, the names of its parameters."""
        if self.trial.function is not None:
            needed, able, _ = parameters_of(function_of(self.trial.function, self.workdir))
            return frozenset((*needed, *able))
        texts = (self.trial.command or "", *self.trial.environment.values())
        return frozenset(name for text in texts for name in placeholders(text))

    def all_sizes(self) -> tuple[TrialSize, ...]:
        """Return every model of the study, whether or not a run of its design trains it."""
        return sizes_of(self.sizes, self.wanted)

    def runs(self) -> tuple[PlannedRun, ...]:
        """Return every run of the study, those that are held out not among them.

        Raises UsageError for sizes or a design that make no runs.
        """
        sizes = self.all_sizes()
        runs = lay_out(self.design, sizes, self.vary)
        if not self.extra:
            return runs
        return (*runs, *lay_out(ListDesign(kind="list", runs=self.extra), sizes, self.vary))

    def held_out_run(self) -> PlannedRun:
        """Return the run that is held out.

        Raises UsageError for a study that holds out none.
        """
        run = self.held_out
        if run is None:
            raise UsageError(
                f"the study {self.name} holds out no run; add [held_out] with its size and D"
            )
        size = held_out_size(self.sizes, run, self.wanted)
        first = PlannedRun(size, (run.D,), lr=run.lr, batch=run.batch)
        vary = self.vary.model_copy(update={"seed": self.vary.seed[:1]})
        variations = tuple(with_variations(first, vary))
        if len(variations) > 1:
            raise UsageError(
                "[held_out] needs one lr, batch and value of each flag, since the study varies them"
            )
        return variations[0]


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of a study's file, for editors and other programs."""
    return StudyFile.model_json_schema(by_alias=True)
