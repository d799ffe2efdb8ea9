"""laws: what each law says, what its numbers mean, and the constants that were published."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from isoflop.commands.registry import Option, command
from isoflop.errors import UsageError
from isoflop.pages.law_list import page_of
from isoflop.pages.laws import changed, law_of, matches_of, set_of
from isoflop.report import Report


@command("laws", section="Laws, and how far they hold", example="isoflop laws chinchilla")
def laws(
    name: Annotated[
        str | None,
        Option("a law, a set written LAW/SET, or an author, year, arXiv number or phrase to find"),
    ] = None,
    *,
    with_: Annotated[
        Mapping[str, float] | None,
        Option("draw a published set with other constants too, such as A=0.7", "NAME=NUMBER"),
    ] = None,
) -> Report:
    """List the laws; or show one law, or one published set of its constants.

    A law is shown with its formula, the quantities it takes, its parameters with units and
    bounds, every published set with its source, its conventions, the range that it was fitted on
    and what to beware of, and what isoflop's own fits to public runs gave. Any other words are
    looked for in names, sources and descriptions: kaplan2020, "Henighan 2020", 2203.15556.
    """
    from isoflop.law import Law
    from isoflop.laws import constants, form, search

    if name is not None and name.partition("/")[0] in Law.registry and "/" in name:
        return changed(constants(name), with_) if with_ else set_of(constants(name))
    if with_:
        raise UsageError(f"--with changes constants of a published set; {name} is none (LAW/SET)")
    if name is None:
        return page_of(Law.registry)
    if name in Law.registry:
        return law_of(form(name))
    laws, sets = search(name)
    if len(sets) == 1 and not laws:
        return set_of(sets[0])
    return matches_of(name, laws, sets) if laws or sets else law_of(form(name))
