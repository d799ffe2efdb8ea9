"""The small grammar of `--where` and `--derive`: parsed to a tree, evaluated over columns.

    condition   C < 1e21    1e18 <= C < 1e21    N >= 70M and not family == "pythia"
    assignment  D=C/6N      N=N*1e6             N=`Model Size (B)`*1e9

Loosest first: or; and; not; < <= > >= == !=, which chain; + -; * /; a minus sign; a number or a
parenthesis written against what it multiplies, so that C/6N is C/(6*N); ^ or **, from the right.
Functions are log, log10, sqrt and exp. A number may end in k, M, B, G or T. A name that holds
spaces stands between backticks, text between quotes. A missing number compares false.
"""

from __future__ import annotations

from isoflop.expressions.parser import parse_assignment, parse_condition
from isoflop.expressions.tree import Assignment, Condition

__all__ = ["Assignment", "Condition", "parse_assignment", "parse_condition"]
