"""The tables of a study's file: what is trained, what varies, by which design, where, for what."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from isoflop.experiments.design.fields import (
    Compute,
    Computes,
    Duration,
    Flags,
    Memory,
    Number,
    Numbers,
    StudyTable,
    Wholes,
)


class ResultTable(StudyTable):
    """[trial.result]: where a trainer leaves its result, and what its fields mean."""

    file: str = Field(
        default="console", description='a path in {folder}, or "console": what it prints'
    )
    columns: dict[str, str] = Field(
        default={}, description='fields by symbol, such as L = "eval_loss"'
    )
    derive: tuple[str, ...] = Field(default=(), description='such as "D=step*8192"')
    units: dict[str, str] = Field(default={}, description='such as L = "bits/byte"')
    conventions: dict[str, str] = Field(default={}, description='such as N = "total"')


class RecipeTable(StudyTable):
    """[trial.recipe]: how isoflop's own model is trained; D is counted in tokens."""

    ramp: int = 131_072
    largest: int | None = None
    warmup: int = 32_768
    window: float = 0.1
    decay: float = 0.2


class TrialTable(StudyTable):
    """[trial]: what carries out one run, and what it needs of a machine."""

    command: str | None = Field(default=None, description="a command; {name} stands for a value")
    function: str | None = Field(
        default=None, description='a function with @isoflop.trial: "train.py:f"'
    )
    model: Literal["gpt"] | None = Field(default=None, description="isoflop's own model")
    workdir: str = Field(default=".", description="where a trainer stands, from the study's file")
    environment: dict[str, str] = Field(default={})
    cpus: int = 1
    gpus: float = 0.0
    memory: Memory | None = None
    time_limit: Duration | None = None
    grace: Duration = 30.0
    result: ResultTable = ResultTable()
    text: str | None = Field(
        default=None, description="a file or folder that the own model is trained on"
    )
    vocabulary: int = 256
    context: int = 128
    head: int = 16
    evaluation: int = 32_768
    recipe: RecipeTable = RecipeTable()

    @model_validator(mode="after")
    def _is_one(self) -> TrialTable:
        kinds = [k for k in ("command", "function", "model") if getattr(self, k) is not None]
        if len(kinds) != 1:
            raise ValueError(
                f"give one of command, function and model, not {' and '.join(kinds) or 'none'}"
            )
        fields = {"text", "vocabulary", "context", "head", "evaluation", "recipe"}
        foreign = {"workdir", "environment", "result"}
        idle = (foreign if self.model else fields) & self.model_fields_set
        if idle:
            raise ValueError(f"{min(idle)} has no effect with {kinds[0]}; leave it out")
        return self


class SizesTable(StudyTable):
    """[sizes]: the models, by N, by width and depth, or by flags of the user's own.

    N is a list, or a formula of the flags, such as "12*depth*width**2".
    """

    N: Numbers | str | None = None
    width: Wholes | None = None
    depth: Wholes | None = None
    flags: dict[str, Flags] = Field(default={})
    cross: bool = Field(default=False, description="every width with every depth, not in pairs")
    convention: Literal["total", "non-embedding", "active"] | None = None
    flop_per_token: str | None = Field(
        default=None, description='a formula, 6N unless given: "6*N+..."'
    )
    vocabulary: int = Field(default=32_000, description="for shapes that N alone asks for")
    context: int = Field(default=2_048, description="for shapes that N alone asks for")

    @model_validator(mode="before")
    @classmethod
    def _formula_or_list(cls, values: Any) -> Any:
        """Tell a number in quotes ("10M") from a formula."""
        if isinstance(values, dict) and isinstance(values.get("N"), str):
            text = values["N"].strip()
            if text[:1].isdigit() and text[-1:].isalnum() and not set(text) & set("*/+ ("):
                return {**values, "N": [text]}
        return values


class RuleTable(StudyTable):
    """A learning rate or batch that scales: value * (N / at)^power."""

    value: Number
    at: Number = Field(description="the N, or width, at which it is `value`")
    over: Literal["N", "width", "D"] = "N"
    power: float


class VaryTable(StudyTable):
    """[vary]: what is varied beside the size and the tokens; every value with every other."""

    lr: Numbers | RuleTable | None = None
    batch: Numbers | RuleTable | None = Field(default=None, description="[tokens]")
    seed: Wholes = (0,)
    flags: dict[str, Flags] = Field(default={})


class IsoflopDesign(StudyTable):
    """Every size at every budget: an IsoFLOP grid."""

    kind: Literal["isoflop"]
    budgets: Computes = Field(description='[FLOP], or "5 PF-days"')
    tokens_per_parameter: tuple[Number, Number] = Field(
        default=(1.0, 1000.0), description="runs outside of this range are left out"
    )


class LadderDesign(StudyTable):
    """One trunk a size at a constant rate, with a decay at each of several D: {points}."""

    kind: Literal["ladder"]
    tokens_per_parameter: Numbers | None = None
    tokens: Numbers | None = None
    decay: float = Field(
        default=0.2, gt=0, lt=1, description="share of D over which the rate falls"
    )


class TokensDesign(StudyTable):
    """Every size at every number of tokens, or of tokens per parameter."""

    kind: Literal["tokens"]
    tokens_per_parameter: Numbers | None = None
    tokens: Numbers | None = None


class LShapedDesign(StudyTable):
    """Every size at the fewest tokens, and the smallest size at every number of tokens."""

    kind: Literal["l-shaped"]
    tokens: Numbers


class RepeatedDesign(StudyTable):
    """Every size on every amount of unique tokens, seen `epochs` times: D = U * epochs."""

    kind: Literal["repeated"]
    unique: Numbers = Field(description="[tokens]")
    epochs: Numbers


class RatesDesign(StudyTable):
    """A grid of learning rates and batches, at given tokens per parameter."""

    kind: Literal["rates"]
    lr: Numbers
    batch: Numbers = Field(description="[tokens]")
    tokens_per_parameter: Numbers


class MixtureDesign(StudyTable):
    """Every size on every mixture of domains, at given tokens per parameter: {w1}, {w2} ..."""

    kind: Literal["mixture"]
    shares: tuple[tuple[float, ...], ...]
    tokens_per_parameter: Numbers

    @model_validator(mode="after")
    def _are_shares(self) -> MixtureDesign:
        for row in self.shares:
            if abs(sum(row) - 1) > 1e-6 or min(row, default=-1) < 0 or len(row) > 8:
                raise ValueError(f"{list(row)} are no shares: at most 8, from 0 on, that sum to 1")
        return self


class ListDesign(StudyTable):
    """The runs that are listed, each by the number of its size (from 0) and its D."""

    kind: Literal["list"]
    runs: tuple[ListedRun, ...] = Field(min_length=1)


class ListedRun(StudyTable):
    """One run of a list: which size (its place, from 0), its tokens, and its flags."""

    size: int = Field(ge=0)
    D: Number
    lr: Number | None = None
    batch: Number | None = None
    seed: int | None = None
    flags: dict[str, bool | int | float | str] = Field(default={})


Design = Annotated[
    IsoflopDesign
    | LadderDesign
    | TokensDesign
    | LShapedDesign
    | RepeatedDesign
    | RatesDesign
    | MixtureDesign
    | ListDesign,
    Field(discriminator="kind"),
]


class HeldOutTable(StudyTable):
    """[held_out]: the run that is forecast and then trained, into a store of its own."""

    N: Number | None = None
    width: int | None = None
    depth: int | None = None
    flags: dict[str, bool | int | float | str] = Field(default={})
    D: Number
    lr: Number | None = None
    batch: Number | None = None


class BudgetTable(StudyTable):
    """[budget]: what the study may cost."""

    flop: Compute | None = Field(default=None, description='[FLOP], or "100 PF-days"')
    money: Number | None = Field(default=None, description="[USD]; needs [hardware]")
    hours: Number | None = Field(default=None, description="chip-hours; needs [hardware]")
    energy: Number | None = Field(default=None, description="[kWh]; needs [hardware]")


class EngineTable(StudyTable):
    """[engine]: where trials run: local:8, ray, slurm."""

    name: str = "local"
    device: str = "cpu"
    address: str | None = None
    partition: str | None = None
    account: str | None = None
    setup: tuple[str, ...] = Field(default=(), description="shell lines before a SLURM job")


class TrackerTable(StudyTable):
    """[tracker]: where each trial is sent when it has ended."""

    name: Literal["wandb", "mlflow", "tensorboard", "trackio"]
    where: str = Field(
        default="",
        description='"offline" for W&B, the address of MLflow\'s store, a folder of the others',
    )
    project: str | None = Field(default=None, description="the name of the study unless given")


class HardwareTable(StudyTable):
    """[hardware]: what turns FLOP into hours and money."""

    chip: str | None = Field(default=None, description="such as H100")
    mfu: float | None = Field(default=None, gt=0, le=1, description="share of the chip's peak")
    precision: str = "bf16"
    speed: Number | None = Field(
        default=None, description="[FLOP/s] of one trial, where no chip is named"
    )

    @model_validator(mode="after")
    def _is_whole(self) -> HardwareTable:
        if (self.chip is None) != (self.mfu is None):
            raise ValueError('chip and mfu go together: chip = "H100", mfu = 0.4')
        if self.chip is not None and self.speed is not None:
            raise ValueError("speed has no effect beside chip and mfu; give one of them")
        return self
