"""What a law is: the class is the form, an instance is the form with numbers in it.

An instance whose numbers are arrays of shape (s,) is an ensemble of s laws; its formula sees
them as columns (s, 1), which broadcast against inputs (k,) to give (s, k).
"""

from __future__ import annotations

import abc
import dataclasses
import functools
import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import (
    Any,
    ClassVar,
    Literal,
    NamedTuple,
    Protocol,
    TypeAlias,
    TypeVar,
    dataclass_transform,
)

import numpy as np

from isoflop.errors import BadLaw, Note, UnknownName, UsageError, suggest
from isoflop.quantities import QUANTITIES, quantity, show
from isoflop.report.display import Displayed, number

# A number, a NumPy array or a dual array: formulas are written once for all three.
Array: TypeAlias = Any

OPEN = {"x": "over", "y": "predicts"}  # symbols that a law may leave open, and the word that binds


Method = TypeVar("Method", bound=Callable[..., Any])
L = TypeVar("L", bound="Law")


@dataclass(frozen=True, slots=True)
class Param:
    """One free number of a law: its unit, where it may lie, and where a search should start.

    `unit` is a product of units of quantities, raised to numbers or to parameters of the same
    law ("nats/token * params^alpha"): it says how the number changes when inputs are rescaled.
    """

    unit: str
    typical: tuple[float, float]
    bounds: tuple[float, float]
    doc: str


def param(
    unit: str,
    *,
    typical: tuple[float, float],
    bounds: tuple[float, float] = (0.0, math.inf),
    doc: str = "",
) -> Any:
    """Declare a field of a law as a free parameter; see `Param`."""
    low, high = typical
    if not bounds[0] <= low < high <= bounds[1]:
        raise BadLaw(f"typical range {typical} does not lie within bounds {bounds}")
    return dataclasses.field(metadata={"param": Param(unit, typical, bounds, doc)})


class LossLaw(Protocol):
    """What planning asks of a law, of its draws, or of a pool of several: a prediction by name.

    `members` says how many draws it holds; None for a single law.
    """

    @property
    def key(self) -> str:
        """What it is called."""

    @property
    def takes(self) -> tuple[str, ...]:
        """The quantities that it takes."""

    @property
    def members(self) -> int | None:
        """How many laws it holds; None for one."""

    @property
    def closed_forms(self) -> Mapping[str, Callable[..., Any]]:
        """The exact answers that it has, by what they solve for."""

    def __call__(self, *args: Any, **inputs: Any) -> Array:
        """Predict."""


class Allocation(NamedTuple):
    """How a compute budget splits into parameters N [params] and tokens D [tokens]."""

    N: Array
    D: Array


def closed_form(of: str) -> Callable[[Method], Method]:
    """Mark a method as the exact answer to a question that is otherwise answered by search.

    `of` is the input that the method solves for ("N", "D", ...), or "optimum".
    The contract tests hold every closed form against the law or against the search.
    """

    def mark(method: Method) -> Method:
        method.__closed_form__ = of  # type: ignore[attr-defined]
        return method

    return mark


@dataclass_transform(
    frozen_default=True, kw_only_default=True, eq_default=False, field_specifiers=(param,)
)
class Law(Displayed, abc.ABC):
    """Base of every law. A subclass declares its parameters and its form, and is final.

    `residuals` says on which scale the law is held against runs ("log", or "linear" for laws
    that can go negative). `homogeneous` is False for a form that changes shape when the unit of
    an input changes; it is then fitted in the units it was written in.
    """

    key: ClassVar[str]
    predicts: ClassVar[str]
    source: ClassVar[str]
    residuals: ClassVar[Literal["log", "linear"]] = "log"
    homogeneous: ClassVar[bool] = True
    takes: ClassVar[tuple[str, ...]]
    params: ClassVar[Mapping[str, Param]]
    closed_forms: ClassVar[Mapping[str, Callable[..., Any]]]
    published: ClassVar[dict[str, Published]]
    registry: ClassVar[dict[str, type[Law]]] = {}

    def __init_subclass__(cls) -> None:
        """Derive what a law does not write, and refuse a law that is declared wrongly."""
        super().__init_subclass__()
        if cls.__bases__ != (Law,):
            raise BadLaw(f"{cls.__name__} inherits from a law; laws are final, compose instead")
        if missing := [s for s in ("key", "predicts", "source") if not hasattr(cls, s)]:
            raise BadLaw(f"{cls.__name__} does not declare its {missing[0]}")
        for name, method in list(vars(cls).items()):
            if name == "__call__" or hasattr(method, "__closed_form__"):
                setattr(cls, name, _over_columns(method))
        dataclass(frozen=True, kw_only=True, eq=False)(cls)
        fields = dataclasses.fields(cls)  # type: ignore[arg-type]
        if plain := [f.name for f in fields if "param" not in f.metadata]:
            raise BadLaw(f"{cls.__name__} declares {plain[0]} without param(...)")
        cls.params = MappingProxyType({f.name: f.metadata["param"] for f in fields})
        cls.takes = tuple(inspect.signature(cls.__call__).parameters)[1:]
        cls.closed_forms = MappingProxyType(
            {m.__closed_form__: m for m in vars(cls).values() if hasattr(m, "__closed_form__")}
        )
        cls.published = {}
        _check_names(cls)
        if Law.registry.setdefault(cls.key, cls) is not cls:
            raise BadLaw(f"two laws are called {cls.key!r}")

    @abc.abstractmethod
    def __call__(self, *args: Any, **inputs: Any) -> Array:
        """Predict. Every argument is a quantity of the vocabulary, in its unit; all broadcast."""

    def _facts(self) -> Iterator[str]:
        """Yield the parameters; of an ensemble, the median and the central 90 % of each."""
        if self.members is not None:
            yield f"{self.members:,} members"
        for name, value in self.values.items():
            if np.ndim(value) == 0:
                yield f"{name}={float(value):.6g}"
                continue
            low, middle, high = np.nanquantile(value, [0.05, 0.5, 0.95])
            yield f"{name}={number(middle)} [{number(low)}, {number(high)}]"

    @property
    def values(self) -> Mapping[str, Array]:
        """The number, or the array of numbers (s,), behind every parameter."""
        return MappingProxyType({name: getattr(self, name) for name in self.params})

    @property
    def members(self) -> int | None:
        """How many laws this ensemble holds; None for a single law."""
        sizes = {np.shape(v)[0] for v in self.values.values() if np.ndim(v) == 1}
        if len(sizes) > 1:
            raise BadLaw(f"parameters of {self.key} have different lengths: {sorted(sizes)}")
        return sizes.pop() if sizes else None

    def outside_bounds(self) -> str:
        """Return a sentence on the first number that its parameter cannot have; "" if none is."""
        for name, p in self.params.items():
            values = np.atleast_1d(np.asarray(getattr(self, name), float))
            low, high = p.bounds
            if (wrong := ~((values >= low) & (values <= high))).any():
                text = show(float(values[wrong][0]))
                return f"{name} of {self.key} is {text}; it lies between {low:g} and {high:g}"
        return ""

    def __getitem__(self: L, index: Any) -> L:
        """Return member `index` of an ensemble, or the ensemble of a slice or mask."""
        chosen = {k: v[index] for k, v in self.values.items() if np.ndim(v) == 1}
        return type(self)(**{**self.values, **chosen})


@dataclass(frozen=True, slots=True)
class Binding:
    """A form with its open symbols bound to quantities: a power law of C that predicts L."""

    form: type[Law]
    over: str | None = None
    output: str | None = None

    def __post_init__(self) -> None:
        """Refuse an input that stays open, or a name where nothing is open."""
        if "x" in self.form.takes and self.over is None:
            raise UsageError(
                f"{self.form.key} leaves its input open; say over= one of C, N, D, ..."
            )
        if self.over is not None and "x" not in self.form.takes:
            raise UsageError(
                f"{self.form.key} takes {', '.join(self.form.takes)}; over= is not for it"
            )
        if self.output is not None and self.form.predicts not in ("y", self.output):
            raise UsageError(f"{self.form.key} predicts {self.form.predicts}, not {self.output}")
        for symbol in filter(None, (self.over, self.output)):
            quantity(symbol)

    @property
    def takes(self) -> tuple[str, ...]:
        """The quantities that the law takes, in the order of its formula."""
        return tuple((self.over or "x") if s == "x" else s for s in self.form.takes)

    @property
    def predicts(self) -> str:
        """The quantity that the law predicts; an open output is the loss unless said otherwise."""
        return (self.output or "L") if self.form.predicts == "y" else self.form.predicts

    def arguments(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Return the arguments of the formula, taken from quantities by name.

        Raises UsageError for an input that is missing.
        """
        missing = [s for s in self.takes if s not in inputs]
        if missing:
            raise UsageError(
                f"{self.form.key} needs {', '.join(self.takes)}; {', '.join(missing)} not given"
            )
        return dict(zip(self.form.takes, (inputs[s] for s in self.takes), strict=True))


@dataclass(frozen=True, slots=True)
class Published(Displayed):
    """Constants that somebody printed, where, by which conventions, and what must follow.

    `check` holds one printed prediction: a value per input and, under the predicted symbol, the
    output. `valid` holds the range of each input that the constants were fitted on, as far as the
    source states it, in the unit and by the convention of the set. `caution` says what a planner
    must know, such as constants rounded to three digits.
    """

    name: str
    law: Law
    source: str
    binding: Binding
    conventions: Mapping[str, str]
    check: Mapping[str, float] | None = None
    caution: str = ""
    valid: Mapping[str, tuple[float, float]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a range of what is no input, or one that is empty."""
        for symbol, (low, high) in self.valid.items():
            if symbol not in self.binding.takes:
                raise BadLaw(f"{self.key} states a range of {symbol}, which it does not take")
            if not 0 < low < high:
                raise BadLaw(f"{self.key} is valid for {symbol} from {low:g} to {high:g}: no range")

    def __reduce__(self) -> tuple[Any, ...]:
        values = (getattr(self, f.name) for f in dataclasses.fields(self))
        return Published, tuple(dict(v) if isinstance(v, MappingProxyType) else v for v in values)

    def _facts(self) -> Iterator[str]:
        yield self.key
        yield from self.law._facts()
        yield f"source={self.source}"

    @property
    def key(self) -> str:
        """The name that commands take: "chinchilla/besiroglu2024"."""
        return f"{self.law.key}/{self.name}"

    @property
    def notes(self) -> tuple[Note, ...]:
        """What is to be known of the set wherever it is used: its caution, if it has one."""
        return (Note("doubt", "caution", self.caution),) if self.caution else ()

    def outside(self, inputs: Mapping[str, float]) -> tuple[Note, ...]:
        """Return a remark for each input that lies outside the range of the set."""
        return tuple(
            Note(
                "doubt",
                "distance",
                f"extrapolation outside the published range: {symbol} = {show(inputs[symbol])}, "
                f"and "
                f"{self.key} was fitted on "
                f"{show(low)} to {show(high)} {quantity(symbol).unit}; take it as a guess, or fit "
                "runs that reach there",
                symbol=symbol,
            )
            for symbol, (low, high) in self.valid.items()
            if symbol in inputs and not low <= inputs[symbol] <= high
        )

    @property
    def draws(self) -> None:
        """None: constants are printed without the draws that an interval needs."""
        return None


def published(
    name: str,
    law: L,
    *,
    source: str,
    over: str | None = None,
    predicts: str | None = None,
    conventions: Mapping[str, str] | None = None,
    check: Mapping[str, float] | None = None,
    caution: str = "",
    valid: Mapping[str, tuple[float, float]] | None = None,
) -> L:
    """Record constants that somebody printed, and hand them back as a law.

    Raises BadLaw for a name that is taken, a number outside the bounds of its parameter, or a
    range of `valid` that is none.
    """
    if name in type(law).published:
        raise BadLaw(f"two sets of {law.key} are called {name!r}")
    if wrong := law.outside_bounds():
        raise BadLaw(f"the set {name!r} cannot be: {wrong}")
    binding = Binding(type(law), over, predicts)
    type(law).published[name] = Published(
        name=name,
        law=law,
        source=source,
        binding=binding,
        conventions=MappingProxyType(dict(conventions or {})),
        check=check,
        caution=caution,
        valid=MappingProxyType(dict(valid or {})),
    )
    return law


def form(key: str) -> type[Law]:
    """Return the form called `key`, such as "chinchilla".

    Raises UnknownName, which names the nearest one.
    """
    try:
        return Law.registry[key]
    except KeyError:
        raise UnknownName("law", key, sorted(Law.registry)) from None


def constants(name: str) -> Published:
    """Return the published set called `LAW/SET`, such as "chinchilla/besiroglu2024".

    Raises UnknownName, which names the nearest one.
    """
    key, _, which = name.partition("/")
    sets = form(key).published
    try:
        return sets[which]
    except KeyError:
        raise UnknownName(f"published set of {key}", which, sorted(sets)) from None


def _check_names(law: type[Law]) -> None:
    """Refuse symbols that are no quantity, and parameters that are called as one."""
    for symbol in (*law.takes, law.predicts):
        if symbol not in QUANTITIES:
            near = suggest(symbol, QUANTITIES)
            raise BadLaw(f"{law.__name__} speaks of {symbol!r}, which is no quantity; {near}")
    if taken := sorted(set(law.params) & set(QUANTITIES)):
        raise BadLaw(f"{law.__name__} calls a parameter {taken[0]!r}, which is a quantity")


def _over_columns(method: Callable[..., Any]) -> Callable[..., Any]:
    """Let a formula written for one law serve an ensemble, by showing it columns (s, 1)."""

    @functools.wraps(method)
    def call(self: Law, *args: Any, **inputs: Any) -> Any:
        if self.members is None:
            try:
                return method(self, *args, **inputs)
            except (ZeroDivisionError, OverflowError):  # NumPy's numbers go on to infinity
                far = {name: np.float64(value) for name, value in inputs.items()}
                with np.errstate(all="ignore"):
                    return method(self, *map(np.float64, args), **far)
        columns = {k: v[:, None] for k, v in self.values.items() if np.ndim(v) == 1}
        return method(type(self)(**{**self.values, **columns}), *args, **inputs)

    return call
