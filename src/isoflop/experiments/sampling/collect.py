"""Fill a bank: ask for the samples that it lacks, judge them, and keep each as soon as it is there.

Nothing is held that a kill could lose but the answers under way, which are asked for again.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from isoflop.errors import EnvironmentFailure, IsoflopError, NoAnswer, UsageError, in_words
from isoflop.experiments.sampling.judges import Judge
from isoflop.experiments.sampling.messages import Answered, Backend, Request, Response, TextProblem
from isoflop.samples.bank import BankWriter, Sample, SampleBank
from isoflop.store import JSON

KIND = "sampling"  # of the documents that say how the samples of a lineage are made
KEPT = "{}; what was answered before is kept, and the same command goes on from there"
FAILURES = 5  # requests that fail in a row, and the server is taken to have failed


@dataclass(frozen=True, slots=True)
class CollectionProgress:
    """How far a bank is: `done` of `total` samples, `had` of them before this call."""

    done: int
    total: int
    had: int
    left_out: int
    seconds: float


@dataclass
class CollectionResult:
    """What filling a bank came to; `left_out` counts samples by why, `unsure` verdicts owed."""

    total: int
    had: int
    new: int = 0
    tokens: int = 0
    prompt_tokens: int = 0
    seconds: float = 0.0
    left_out: Counter[str] = field(default_factory=Counter)
    unsure: Counter[str] = field(default_factory=Counter)
    short: int = 0  # requests that were answered by fewer responses than asked for


Item: TypeAlias = tuple[Request, Answered | NoAnswer] | IsoflopError | None
Watch: TypeAlias = Callable[[CollectionProgress], None]
Kind: TypeAlias = tuple[str, str]  # strategy and lineage


@dataclass(frozen=True, slots=True)
class CollectionTarget:
    """What a bank shall hold: `samples` of every problem, by a `lineage` and its `strategy`.

    `width` samples of a problem are asked for together; their seeds come from `seed`.
    """

    samples: int
    lineage: str
    strategy: str = "parallel"
    width: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse to draw nothing."""
        if min(self.samples, self.width) < 1:
            raise UsageError(
                f"samples {self.samples} and samples per request {self.width} must be 1 at least"
            )

    @property
    def kind(self) -> Kind:
        """The strategy and the lineage."""
        return self.strategy, self.lineage


def fill(
    bank: SampleBank,
    problems: Sequence[TextProblem],
    target: CollectionTarget,
    backend: Backend,
    judge: Judge,
    watch: Watch = lambda progress: None,
) -> CollectionResult:
    """Return what was done so that the bank holds what it shall.

    Killed anywhere, the same call goes on.
    Raises UsageError where the lineage was made otherwise, EnvironmentFailure where answers stay
    away: what was answered is kept.
    """
    with bank.writing() as writer:
        _remember(bank, target.lineage, backend.describe(), problems)
        wanted = _Wanted(problems, target, writer)
        total = target.samples * len(problems)
        result = CollectionResult(total, total - wanted.missing)
        if wanted.missing:
            backend.load()
        asyncio.run(
            _Collecting(
                wanted=wanted,
                backend=backend,
                judge=judge,
                kind=target.kind,
                writer=writer,
                result=result,
                watch=watch,
            ).run()
        )
        writer.close()
    return result


class _Wanted:
    """The samples that a bank lacks, as requests, in rounds that double.

    The first round brings one request of every problem, each later one as many samples as there
    are by then. A problem's requests of a round follow each other, so that a server which keeps
    what it last read need not read the prompt again; stopped anywhere, problems are even by 2.
    """

    def __init__(
        self, problems: Sequence[TextProblem], target: CollectionTarget, writer: BankWriter
    ) -> None:
        self.width, self.seed = target.width, target.seed
        strategy, lineage = target.kind
        self._missing = {
            p.name: {
                n
                for n in range(target.samples)
                if not writer.has(p.name, n, strategy=strategy, lineage=lineage)
            }
            for p in problems
        }
        self.missing = sum(map(len, self._missing.values()))
        self._chunks = self._in_turn(problems, target.samples, target.width)
        self._waiting: list[tuple[TextProblem, tuple[int, ...]]] = []

    def next(self) -> Request | None:
        """Return what to ask for next, None where there is nothing left."""
        if not self._waiting:
            if (chunk := next(self._chunks, None)) is None:
                return None
            self._waiting.append(chunk)
        problem, numbers = self._waiting.pop()
        if later := numbers[self.width :]:
            self._waiting.append((problem, later))
        now = numbers[: self.width]
        return Request(problem, now, _seed(self.seed, problem.name, now[0]))

    def back(self, request: Request, answered: int) -> None:
        """Ask again for what was not answered; so many answers is what the server can give."""
        self.width = min(self.width, answered)
        self._waiting.append((request.problem, request.numbers[answered:]))

    def _in_turn(
        self, problems: Sequence[TextProblem], samples: int, width: int
    ) -> Iterator[tuple[TextProblem, tuple[int, ...]]]:
        first, end = 0, width
        while first < samples:
            for problem in problems:
                missing = self._missing[problem.name]
                for at in range(first, min(end, samples), width):
                    if numbers := tuple(n for n in range(at, at + width) if n in missing):
                        yield problem, numbers
            first, end = end, 2 * end


def _seed(seed: int, problem: str, number: int) -> int:
    """Return a seed of 31 bits, which every server takes; none is the neighbour of another."""
    text = f"{seed}/{number}/{problem}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) >> 1


@dataclass
class _Collecting:
    wanted: _Wanted
    backend: Backend
    judge: Judge
    kind: Kind
    writer: BankWriter
    result: CollectionResult
    watch: Watch
    rows: list[Sample] = field(default_factory=list)  # left out, if the server still works
    in_a_row: int = 0
    last: str = ""  # what went wrong last

    async def run(self) -> None:
        began = time.monotonic()
        out: asyncio.Queue[Item] = asyncio.Queue(4 * self.backend.at_once)
        asker = asyncio.create_task(self._ask(out))
        try:
            while batch := await _batch(out):
                await self._keep(batch)
                self.result.seconds = time.monotonic() - began
                self.watch(self._progress())
        finally:
            asker.cancel()
            await asyncio.gather(asker, return_exceptions=True)
            await self.backend.close()
        if missing := self.result.total - self.result.had - self.result.new:
            why = self.last or "nobody says why"
            raise EnvironmentFailure(
                f"{missing:,} of {self.result.total:,} samples got no answer ({why}); the "
                "others are kept, and the same command asks for them again"
            )
        self.result.unsure = +self.judge.unsure

    async def _ask(self, out: asyncio.Queue[Item]) -> None:
        """Have as many requests under way as the backend takes; the last item is None."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self.backend.at_once):
                    group.create_task(self._ask_in_turn(out))
        except* Exception as failed:
            await out.put(in_words(failed.exceptions[0], KEPT.format("asking")))
        await out.put(None)

    async def _ask_in_turn(self, out: asyncio.Queue[Item]) -> None:
        while (request := self.wanted.next()) is not None:
            try:
                answered = await self.backend.answer(request)
            except NoAnswer as failed:
                await out.put((request, failed))
                continue
            if len(answered.responses) < len(request.numbers):
                self.result.short += 1
                self.wanted.back(request, len(answered.responses))
            await out.put((request, answered))

    async def _keep(self, batch: Sequence[Item]) -> None:
        """Judge and write what was answered, and only then say what went wrong."""
        good, failures = [], []
        for item in batch:
            if isinstance(item, IsoflopError):
                failures.append(item)
            elif item is not None and isinstance(item[1], NoAnswer):
                failures += self._fail(item[0], item[1])
            elif item is not None:
                good.append((item[0], item[1]))
                self.in_a_row = 0
        if good:
            try:
                rows = await self._judged(good) + self.rows
            except Exception as error:
                raise in_words(error, KEPT.format("judging")) from error
            self.rows = []
            self.result.left_out.update(row.left_out for row in rows if row.left_out)
            # In a thread: a disk that is slow must not look like a server that is.
            self.result.new += await asyncio.to_thread(self.writer.append, rows)
        if failures:
            raise failures[0]

    def _fail(self, request: Request, failed: NoAnswer) -> list[IsoflopError]:
        """Note a request that failed; return the failure that ends it all, if it does."""
        strategy, lineage = self.kind
        self.last = str(failed)
        self.in_a_row += 1
        if failed.lasting:
            self.rows += [
                Sample(
                    problem=request.problem.name,
                    sample=n,
                    strategy=strategy,
                    lineage=lineage,
                    left_out=self.last,
                )
                for n in request.numbers
            ]
        if self.in_a_row < FAILURES:
            return []
        return [
            EnvironmentFailure(
                f"{failed}; {FAILURES} requests failed one after the other. What was answered "
                "before is kept, and the same command goes on from there"
            )
        ]

    async def _judged(self, good: Sequence[tuple[Request, Answered | NoAnswer]]) -> list[Sample]:
        rows: list[tuple[Request, int, Answered, Response]] = [
            (request, number, answered, response)
            for request, answered in good
            if isinstance(answered, Answered)
            for number, response in zip(request.numbers, answered.responses, strict=False)
        ]
        strategy, lineage = self.kind
        verdicts = await self.judge([(request.problem, r) for request, _, _, r in rows])
        self.result.tokens += sum(r.tokens or 0 for *_, r in rows)
        self.result.prompt_tokens += sum(
            a.prompt_tokens or 0 for _, a in good if isinstance(a, Answered)
        )
        return [
            Sample(
                problem=request.problem.name,
                sample=number,
                strategy=strategy,
                lineage=lineage,
                answer=verdict.answer,
                correct=verdict.correct,
                scores=verdict.scores,
                tokens=response.tokens,
                prompt_tokens=answered.prompt_tokens,
                flop=response.flop,
                prompt_flop=answered.prompt_flop,
                response=response.text,
                left_out=response.left_out,
                seconds=answered.seconds / len(answered.responses),
            )
            for (request, number, answered, response), verdict in zip(rows, verdicts, strict=True)
        ]

    def _progress(self) -> CollectionProgress:
        f = self.result
        return CollectionProgress(f.had + f.new, f.total, f.had, f.left_out.total(), f.seconds)


async def _batch(out: asyncio.Queue[Item]) -> list[Item]:
    """Return what has come, at least one item; nothing where the last of all has come."""
    batch = [await out.get()]
    while batch[-1] is not None and not out.empty():
        batch.append(out.get_nowait())
    if batch[-1] is None and len(batch) > 1:
        out.put_nowait(None)  # for the next call
    return [item for item in batch if item is not None]


def problems_of(bank: SampleBank, lineage: str) -> dict[str, TextProblem]:
    """Return the problems by name whose texts a bank holds."""
    return {name: TextProblem(name, *texts) for name, texts in bank.problems(lineage).items()}


def _remember(
    bank: SampleBank, lineage: str, described: Mapping[str, JSON], problems: Sequence[TextProblem]
) -> None:
    """Write down how the samples of a lineage are made, and of what.

    Raises UsageError if the bank holds samples of that lineage which were made otherwise.
    """
    for document in bank.study.documents(KIND):
        if document.name != lineage:
            continue
        settings = document.body["drawn"]
        assert isinstance(settings, Mapping)
        if other := [k for k in {*settings, *described} if settings.get(k) != described.get(k)]:
            name = sorted(other)[0]
            raise UsageError(
                f"the bank's samples of {lineage!r} were made with {name} {settings.get(name)!r}, "
                f"not "
                f"{described.get(name)!r}; give these another --lineage, or another bank"
            )
    bank_problems = problems_of(bank, lineage)
    if changed := [p.name for p in problems if bank_problems.get(p.name, p) != p]:
        raise UsageError(
            f"problem {changed[0]!r} is not the one that the bank has samples of; give it "
            "another id, these samples another --lineage, or name another bank"
        )
    bank.keep_problems(lineage, {p.name: (p.prompt, p.answer) for p in problems})
    bank.study.put(KIND, lineage, {"drawn": dict(described)})
