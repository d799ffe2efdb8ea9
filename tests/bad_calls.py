"""Bad calls: every command with values, expressions and files that nobody should give.

A call is made from a number alone, so that one that fails can be made again:
`python tests/bad_calls.py FIRST COUNT` makes `COUNT` of them and prints what is wrong.
"""

from __future__ import annotations

import dataclasses
import random
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bad_files import FILES, damaged, prepare
from calling import Answer, Caller

from isoflop import commands
from isoflop.commands.registry import Command, Parameter

NUMBERS = (
    "0", "-1", "-0", "1", "2", "3", "0.5", "1.5", "-0.5", "5e-324", "1e-300", "1e-30", "1e30",
    "1e300", "1e308", "-1e308", "1e309", "inf", "-inf", "nan", "9" * 400, "-" + "9" * 400,
    "999999999", "1000000000", "999999999999999999", "0.9999999999999999", "1e-17", "٣", "१२",
    "0x10", "1_0", "1,000", "1e5k", "1e", "--1", "1k", "1T", "7,8", "1;2", "1e100", "1e-100",
)  # fmt: skip
# Numbers that an option may take, at the ends of what it takes.
EXTREMES = (
    "0", "1", "2", "7", "20", "1e-9", "1e-30", "1e-99", "1e-100", "1e12", "1e30", "1e99", "1e100",
    "0.001", "0.5", "0.999", "0.99999999", "1000", "20000", "1000000", "1000000000", "1.5", "-3",
    "70B", "1T", "3e26",
)  # fmt: skip
TEXTS = (
    "", " ", "zzz", "٣", "\x1b[31mred\x1b[0m", "\x07", "a\nb", "a" * 5000, "=", "=,=", ",", ",,,",
    "null", "[]", "{}", "[[[[", "../..", "/", "/dev/null", "~", "*", "%s", "{0}", "{", "é" * 300,
    "\ud800", "\u202e", "'", '"', "\\", "-", "sample:", "sample:zzz", "chinchilla",
    "chinchilla/zzz", "chinchilla/besiroglu2024", "power", "H100", "zzz/zzz", "http://",
    "http://[", "ftp://x", "file:///etc/passwd", "hf:", "hf:zzz", "gym:", "gym:zzz", "cuda",
    "cuda:7", "cuda:-1", "mps", "cpu:99", "bf16", "int8", "0.3,0.2,0.1", "0.1,0.2,0.3,0.4", "1,",
)  # fmt: skip
EXPRESSIONS = (
    "C < 1e300", "C <", "(" * 4000, "C < C < C", "__import__('os')", "N**N**N**N < 1", "9**9**9**9",
    "1/0", "N/0 > 1", "not", "C < 'a'", "zzz > 1", "C<1 and " * 500, "D=C/6N", "D=1/0", "x=N**999",
    "L=L", "L=-L", "N=N*1e300", "N=N*1e-300", "C < 1e-400", "-" * 5000 + "1 < N", "N in (1, 2)",
    "run == 'a'", "run < 1", "L > 0", "L < 0", "N == N", "zzz=N", "N=log(0)", "L=sqrt(-1)", "=",
    "D = 5e-324", "D=1e308*N*N", "a" * 5000, "L != L", "C < ٣", "lambda: 1", "N[0] > 1", "N.real",
)  # fmt: skip
PAIRS = (
    "N=1", "N=-1", "N=1e308", "N=5e-324", "N=nan", "N=inf", "E=0", "E=-1", "E=1e300", "alpha=0",
    "alpha=99", "alpha=-3", "zzz=1", "N=zzz", "N=1,N=2", "N=L,L=N", "L=N", "N=run", "experts=1e9",
    "D=1", "C=1e-30", "U=0", "w1=2", "start=-5", "memory=1", "hours=1e-99", "latency=1e-50",
    "epochs=0", "N=active", "C=detailed", "L=bits/byte", "L=parsecs", "vocabulary=1e99", "aspect=0",
    "prompt=2", "output=1e-9", "family=run", "step=lr", "loss=loss", "prompt=gold", "lr=zzz",
    "group=0", "lag=-1", "hours-per-step=0", "vocabulary=1", "aspect=64,vocabulary=32000", "C=6ND",
)  # fmt: skip
OUTPUTS = ("/", "", ".", "nowhere/x.csv", "x" * 300, "a.xyz", "/dev/full", "a.csv/b", "out.csv")
NAMES = ("N", "D", "C", "L", "E", "A", "B", "alpha", "beta", "experts", "vocabulary", "aspect")
RANGES = ("mfu", "price", "load", "overhead", "growth", "stock", "quality", "epochs", "k")
WRITES = ("out", "html", "page", "points")

# What would train or serve for minutes is called with one of these, which end it before.
FATAL = {
    "demo": ("--preset=zzz", "--seed=-1", "--zzz"),
    "reward demo": ("--preset=zzz", "--seed=-1", "--seeds=0"),
    "reward run": ("--preset=zzz", "--workers=0", "--seeds=0", "--seed=x"),
    "reward score": ("--batch=0", "--with=zzz", "--as="),
    "rl demo": ("--preset=zzz", "--seed=1.5"),
    "rl run": ("--device=zzz", "--workers=0", "--seeds=0", "--recipe=zzz", "--setting=zzz=1"),
    "sweep run": ("--device=zzz", "--engine=zzz", "--preset=zzz", "--experiment=zzz"),
    "watch": ("--schedule=zzz", "--every=zzz", "--ladder=zzz", "--columns=zzz=zzz"),
    "testtime demo": ("--preset=zzz", "--problems=0", "--seeds=0", "--strategy=zzz"),
    "testtime sample": ("--samples=0", "--problems=0", "--task=zzz", "--backend=zzz", "--params=1"),
    "ui": ("nowhere", "sample:zzz", "--port=0", "--port=x", "--host=zzz"),
    "testtime score": ("--batch=0", "--task=zzz", "--reward=zzz"),
}
# The kind of file that a command reads where its example names a sample.
READS = {
    "schedule": "curves", "testtime": "bank", "reward": "scores", "rl": "rl", "import": "log",
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Call:
    """A call by its number: the words after `isoflop`."""

    number: int
    words: tuple[str, ...]

    @property
    def written(self) -> str:
        """The call as a person would type it, with the number that makes it again."""
        return f"{self.number}: isoflop {shlex.join(self.words)[:600]!r}"


def call(number: int, folder: Path) -> Call:
    """Return the call of a number, with the files that it names written to `folder`."""
    rng = random.Random(number)
    known = commands.every()
    command = known[sorted(known)[number % len(known)]]
    words = _quick(command, shlex.split(command.example)[1:])
    if rng.random() < 0.5:  # what the parser takes, so that the command itself is reached
        for _ in range(rng.choice((1, 1, 2))):
            words = rng.choice((_near, _file))(rng, command, words, folder)
    else:
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            words = rng.choices(MUTATIONS, WEIGHTS)[0](rng, command, words, folder)
    if command.name in FATAL:
        name, sign, value = rng.choice(FATAL[command.name]).partition("=")
        words = _set(words, name, value) if sign else [*words, name]
    if rng.random() < 0.3:
        words.append("--json")
    if rng.random() < 0.2:
        words += ["--html", rng.choice(("page.html", "page.html", *OUTPUTS))]
    return Call(number, tuple(words))


def _quick(command: Command, words: list[str]) -> list[str]:
    """Return an example that takes a second."""
    names = {p.name for p in command.parameters}
    if "draws" in names and "--draws" not in words:
        words = [*words, "--draws", "100" if command.name == "wall" else "25"]
    if "cuts" in names and "--cuts" not in words:
        words = [*words, "--cuts", "2"]
    return words


def _value(rng: random.Random, parameter: Parameter) -> str:
    """Return a nasty value of an option: mostly of its own kind."""
    number, text, expression, pair = (
        rng.choice(kind) for kind in (NUMBERS, TEXTS, EXPRESSIONS, PAIRS)
    )
    if rng.random() < 0.15:
        return rng.choice((number, text, expression, pair))
    if parameter.name in WRITES:
        return rng.choice(OUTPUTS)
    if parameter.name.startswith("where") or parameter.name == "derive":
        return expression
    if parameter.kind in ("number", "whole"):
        return rng.choice((number, rng.choice(EXTREMES), rng.choice(EXTREMES)))
    if parameter.kind in ("names", "numbers"):
        name = rng.choice(NAMES)
        return rng.choice((pair, f"{name}={number}", f"{name}={rng.choice(EXTREMES)}"))
    return rng.choice((text, text, number, rng.choice(EXTREMES), *parameter.choices))


def _option(rng: random.Random, command: Command, words: list[str], folder: Path) -> list[str]:
    """Set an option to a nasty value."""
    options = [p for p in command.parameters if not p.positional]
    if not options:
        return [*words, "--zzz"]
    own = [p for p in options if not p.open] or options
    option = rng.choice(own if rng.random() < 0.8 else options)
    if option.kind == "flag":
        return [*words, option.shown]
    value = _value(rng, option)
    return _set(words, option.shown, value)


def _set(words: list[str], name: str, value: str) -> list[str]:
    """Return words in which an option has a value, in place of the one that it had."""
    if name not in words[:-1]:
        return [*words, name, value]
    place = words.index(name) + 1
    return [*words[:place], value, *words[place + 1 :]]


def _near(rng: random.Random, command: Command, words: list[str], folder: Path) -> list[str]:
    """Set a number to an end of what it may be."""
    numbers = [p for p in command.parameters if p.kind in ("number", "whole", "numbers")]
    numbers += [p for p in command.parameters if p.name in RANGES]
    if not numbers:
        return _option(rng, command, words, folder)
    inside = [p for p in numbers if p.shown in words]
    option = rng.choice(inside if inside and rng.random() < 0.5 else numbers)
    value = rng.choice(EXTREMES)
    if option.name == "level":
        value = rng.choice(("0.001", "0.5", "0.99999"))
    if option.kind == "numbers":
        value = f"{rng.choice(NAMES)}={value}"
        if option.shown in words[:-1] and rng.random() < 0.5:
            before = words[words.index(option.shown) + 1].split("=")[0]
            value = f"{before}={rng.choice(EXTREMES)}"
    return _set(words, option.shown, value)


def _file(rng: random.Random, command: Command, words: list[str], folder: Path) -> list[str]:
    """Put a damaged file in place of what the example reads."""
    first = len(command.name.split())
    places = [
        i
        for i in range(first, len(words))
        if words[i].startswith(("sample:", "chinchilla/")) or words[i] == "fit.json"
    ]
    if not places:
        return _option(rng, command, words, folder)
    place = rng.choice(places)
    kind = READS.get(command.name.split()[0], "runs")
    kind = "fit" if not words[place].startswith("sample:") else kind
    if rng.random() < 0.15:
        kind = rng.choice(sorted(FILES))
    path = damaged(rng, kind, folder)
    return [*words[:place], str(path), *words[place + 1 :]]


def _positional(rng: random.Random, command: Command, words: list[str], folder: Path) -> list[str]:
    """Put a nasty text in place of a word."""
    first = len(command.name.split())
    if len(words) <= first:
        return [*words, rng.choice(TEXTS)]
    place = rng.randrange(first, len(words))
    return [*words[:place], rng.choice((*TEXTS, *NUMBERS)), *words[place + 1 :]]


def _less(rng: random.Random, command: Command, words: list[str], folder: Path) -> list[str]:
    """Leave a word out."""
    first = len(command.name.split())
    if len(words) <= first:
        return words
    place = rng.randrange(first, len(words))
    return [*words[:place], *words[place + 1 :]]


def _twice(rng: random.Random, command: Command, words: list[str], folder: Path) -> list[str]:
    """Give something twice, or something that there is not."""
    first = len(command.name.split())
    return [*words, *rng.choice((words[first : first + 2], words[-2:], ["--zzz"], ["zzz"]))]


MUTATIONS: Sequence[Callable[[random.Random, Command, list[str], Path], list[str]]] = (
    _option, _file, _positional, _less, _twice,
)  # fmt: skip
WEIGHTS = (12, 7, 1, 1, 1)


def faults(count: int, first: int = 0) -> Iterator[tuple[Call, Answer]]:
    """Yield the calls of `count` numbers that are answered wrongly, with the answers."""
    place = Path(tempfile.mkdtemp(prefix="bad-calls-"))
    try:
        prepare(place)
        with Caller(place) as ask:
            for number in range(first, first + count):
                made = call(number, place)
                answer = ask(made.words)
                if answer.fault:
                    yield made, answer
    finally:
        shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    begin, many = (int(word) for word in sys.argv[1:3])
    for bad, reply in faults(many, begin):
        print(f"{bad.written}\n    {reply.fault}: {reply.tail}\n", flush=True)
