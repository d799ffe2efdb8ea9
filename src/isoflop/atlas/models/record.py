"""What is recorded of a published language model: every number with who published it and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

# developer: disclosed by those who trained the model; third party: estimated or compiled by
# others; undisclosed: nobody who knows has said; not recorded: nor is it known here whether.
Standing = Literal["developer", "third party", "undisclosed", "not recorded"]

EPOCH: tuple[str, Standing] = ("Epoch AI, data on AI models, epoch.ai/data", "third party")
HOFFMANN: tuple[str, Standing] = ("Hoffmann et al. 2022, arXiv:2203.15556, table 1", "third party")
RUAN: tuple[str, Standing] = ("Ruan et al. 2024, github.com/ryoungj/ObsScaling", "third party")


@dataclass(frozen=True, slots=True)
class Cell:
    """A number, its source, and how it stands; None where there is none to record."""

    value: float | None
    source: str
    standing: Standing

    @property
    def disclosed(self) -> bool:
        """Whether the developer said it."""
        return self.standing == "developer"


@dataclass(frozen=True, slots=True)
class PublishedModel:
    """One base model, as it was pretrained.

    `N` are all parameters [params] and `active` those that a token meets, for mixtures alone; `D`
    the tokens seen in pretraining [tokens], repeats included; `C` the training FLOP as reported,
    by whatever count the reporter used. `released` is the year, of the same source as `N`.
    """

    name: str
    family: str
    developer: str
    released: int
    N: Cell
    D: Cell
    C: Cell
    active: Cell | None = None
    remark: str = ""

    @property
    def met(self) -> float | None:
        """The parameters that a token meets [params]: all of them, unless it is a mixture."""
        return self.N.value if self.active is None else self.active.value

    @property
    def flop(self) -> float | None:
        """The training compute as 6ND [FLOP], N as a token meets it; None without N or D."""
        return None if self.met is None or self.D.value is None else 6 * self.met * self.D.value

    @property
    def ratio(self) -> float | None:
        """Tokens per parameter that a token meets; None without N or D."""
        return None if self.met is None or self.D.value is None else self.D.value / self.met

    @property
    def cells(self) -> Mapping[str, Cell]:
        """Every cell by its symbol; "active" only for a mixture."""
        values = {"N": self.N, "D": self.D, "C": self.C}
        return values if self.active is None else {**values, "active": self.active}


@dataclass(frozen=True, slots=True)
class ModelRow:
    """The numbers of a model; `statements` is what comes from other sources than its family's."""

    N: float | None
    D: float | None = None
    C: float | None = None
    active: float | None = None
    year: int | None = None
    remark: str = ""
    statements: Mapping[str, tuple[str, Standing]] = field(default_factory=dict)


def family(
    name: str,
    developer: str,
    year: int,
    source: str,
    rows: Mapping[str, ModelRow],
    *,
    mixture: bool = False,
) -> tuple[PublishedModel, ...]:
    """Return models of one family; a number comes from `source` unless its row says otherwise.

    An N or D without a number was not disclosed; of FLOP it is only said that none are recorded.
    """

    def cell(row: ModelRow, symbol: str) -> Cell:
        value: float | None = getattr(row, symbol)
        if value is None:
            where = row.statements.get(symbol, (source, ""))[0]
            return Cell(None, where, "not recorded" if symbol == "C" else "undisclosed")
        return Cell(value, *row.statements.get(symbol, (source, "developer")))

    return tuple(
        PublishedModel(
            name=model,
            family=name,
            developer=developer,
            released=row.year or year,
            N=cell(row, "N"),
            D=cell(row, "D"),
            C=cell(row, "C"),
            active=cell(row, "active") if mixture else None,
            remark=row.remark,
        )
        for model, row in rows.items()
    )
