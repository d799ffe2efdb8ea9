"""Tree search: a tree of beginnings for each problem, grown where it promises most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import UsageError
from isoflop.experiments.policy import Problems
from isoflop.experiments.testtime.outcome import StrategyAnswers
from isoflop.experiments.testtime.registry import strategy

if TYPE_CHECKING:
    import torch

    from isoflop.experiments.testtime.frontier import SearchFrontier
    from isoflop.experiments.testtime.sampler import Bench

DRAW = -1  # in place of a token that is to be drawn

Path = tuple[int, ...]


@strategy("mcts")
@dataclass(frozen=True, slots=True)
class MCTS:
    """`n` walks down a tree of tokens, each drawn to its end from where it leaves the tree.

    At a node the token of the highest Q + explore P sqrt(visits) / (1 + visits of it) is taken,
    where P is the policy's probability and Q the mean of what the verifier made of the walks
    through it. What was read before is cached, and not counted again.
    Source: Silver et al. 2017 (PUCT), with walks to the end as in Kocsis and Szepesvari 2006.
    """

    n: int
    explore: float = 1.0

    def __post_init__(self) -> None:
        """Refuse no walks."""
        if self.n < 1 or self.explore < 0:
            raise UsageError(f"n is {self.n} and explore {self.explore:g}; n starts at 1")

    @property
    def responses(self) -> int:
        """How many whole responses it costs at most."""
        return self.n

    def __call__(
        self, bench: Bench, problems: Problems, random: torch.Generator
    ) -> StrategyAnswers:
        """Return what the search comes to."""
        root = bench.begin(problems, 1)
        trees = [Tree(bench.task.control.stop, bench.most) for _ in range(len(problems))]
        walks = [self._walk(root, trees, random) for _ in range(self.n)]
        tokens = np.stack([walk.tokens for walk in walks], axis=1)
        scores = np.stack([walk.scores for walk in walks], axis=1)
        return bench.judged(problems, tokens, scores, root.spent)

    def _walk(
        self, root: SearchFrontier, trees: list[Tree], random: torch.Generator
    ) -> SearchFrontier:
        """Take each problem down its tree and on to an end, and let the tree learn from it."""
        paths = [tree.descend(self.explore) for tree in trees]
        depth = np.array([len(path) for path in paths])
        prefix = np.full((len(paths), root.tokens.shape[1] + 1), DRAW)
        for row, path in enumerate(paths):
            prefix[row, : len(path)] = path
        fresh = np.array([path not in t.ended for t, path in zip(trees, paths, strict=True)])
        walk = root.copy()
        prior = walk.probabilities
        going, at = True, 0
        while going:
            if at and (depth == at).any():
                prior = np.where((depth == at)[:, None], walk.probabilities, prior)
            new = fresh & (at >= depth - 1)
            going = walk.extend(random, given_n=prefix[:, at], new_n=new)
            at += 1
        for tree, path, p, score in zip(trees, paths, prior, walk.scores, strict=True):
            tree.learn(path, p, float(score))
        return walk


class Tree:
    """The beginnings of responses to one problem that were gone through, and how they fared."""

    def __init__(self, stop: int, most: int) -> None:
        self.stop, self.most = stop, most
        self.nodes: dict[Path, Node] = {}
        self.ended: set[Path] = set()  # whole responses that were scored

    def descend(self, explore: float) -> Path:
        """Return the beginning that promises most: the first on the way that is no node yet."""
        path: Path = ()
        while path in self.nodes:
            path = (*path, self.nodes[path].promising(explore))
        return path

    def learn(self, path: Path, prior_v: Numbers, score: float) -> None:
        """Take in a walk that left the tree at `path`, and grow the tree by that."""
        if path and (path[-1] == self.stop or len(path) == self.most):
            self.ended.add(path)
        else:
            self.nodes[path] = Node(prior_v)
        for at, token in enumerate(path):
            self.nodes[path[:at]].add(token, score)


class Node:
    """A beginning: the policy's distribution of the next token, visits and scores of each (v,)."""

    def __init__(self, prior_v: Numbers) -> None:
        self.prior = prior_v
        self.visits = np.zeros(prior_v.size)
        self.total = np.zeros(prior_v.size)

    def promising(self, explore: float) -> int:
        """Return the token to try; one never tried is as good as the mean of those that were."""
        visits = self.visits.sum()
        mean = self.total.sum() / visits if visits else 0.0
        value = np.where(self.visits > 0, self.total / np.maximum(self.visits, 1), mean)
        bonus = explore * self.prior * np.sqrt(visits + 1) / (1 + self.visits)
        return int((value + bonus).argmax())

    def add(self, token: int, score: float) -> None:
        """Count a walk that went on by `token`."""
        self.visits[token] += 1
        self.total[token] += score
