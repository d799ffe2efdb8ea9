"""lr: learning rate and batch of one model by every rule, and how far the rules disagree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from isoflop.commands.law_source import single
from isoflop.commands.pricing import Shapes
from isoflop.commands.registry import Option, command
from isoflop.errors import UsageError
from isoflop.report import Report

if TYPE_CHECKING:
    from isoflop.plan.training.rate_advice import NarrowProxy


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryOptions:
    """The model that a rate is wanted for."""

    N: Annotated[float, Option("parameters")]
    D: Annotated[float | None, Option("training tokens, or state --C")] = None
    C: Annotated[float | None, Option("training FLOP, 6ND of N as counted, in place of --D")] = None
    L: Annotated[float | None, Option("the loss that is expected [nats/token]")] = None
    convention: Annotated[
        Literal["total", "with-head", "non-embedding", "flops-per-token"],
        Option("how N is counted"),
    ] = "total"
    shapes: Shapes = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyOptions:
    """A narrow proxy whose best rate is known."""

    proxy_lr: Annotated[float | None, Option("best rate of a narrow proxy, under muP")] = None
    proxy_width: Annotated[float | None, Option("width of that proxy")] = None
    width: Annotated[float | None, Option("width of the model")] = None

    @property
    def narrow(self) -> NarrowProxy | None:
        """The proxy, None where none is stated.

        Raises UsageError where a part of it is missing.
        """
        from isoflop.plan.training.rate_advice import NarrowProxy

        stated = {
            "--proxy-lr": self.proxy_lr,
            "--proxy-width": self.proxy_width,
            "--width": self.width,
        }
        names = [name for name, value in stated.items() if value is not None]
        if names and (missing := [name for name in stated if name not in names]):
            raise UsageError(f"{names[0]} needs {' and '.join(missing)} as well")
        if self.proxy_lr is None or self.proxy_width is None or self.width is None:
            return None
        return NarrowProxy(self.proxy_lr, self.proxy_width, self.width)


@command("lr", section="Plans", example="isoflop lr --N 1B --D 100B --L 2.5")
def lr(
    *,
    query: QueryOptions,
    fit: Annotated[
        str | None, Option("a fit of rate-batch-surface to your own runs", "FIT")
    ] = None,
    within: Annotated[
        float, Option("the share of the loss that counts as the best", "SHARE", needs=("fit",))
    ] = 0.0025,
    proxy: ProxyOptions = ProxyOptions(),
) -> Report:
    """Show learning rate and batch of one model by every published rule.

    The rules disagree, by more the further a model lies from their runs: take them as the middle
    of a sweep, not its result. Each counts N in its own way, which is converted, and says whether
    the model lies within the range that it was fitted on.

    A surface over rate and batch, fitted to your own sweep, stands beside them with --fit:
    isoflop fit RUNS --law rate-batch-surface --out FIT, with N, D, lr, batch and L.
    """
    from isoflop.pages.lr import page_of
    from isoflop.plan.training.rate_advice import learning_rates, rate_query

    setting = rate_query(
        query.N,
        D=query.D,
        C=query.C,
        L=query.L,
        convention=query.convention,
        shapes=query.shapes,
    )
    advice = learning_rates(
        setting,
        surface=None if fit is None else single(fit),
        within=within,
        proxy=proxy.narrow,
        shapes=query.shapes,
    )
    return page_of(advice)
