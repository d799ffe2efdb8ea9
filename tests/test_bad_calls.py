"""No call, however bad, ends in a traceback, a crash or a wait: a sentence and an exit code."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from bad_calls import call, faults
from bad_files import FILES, prepare
from calling import Answer, Caller

from isoflop import commands

COUNT = int(os.environ.get("ISOFLOP_BAD_CALLS", "200"))  # 1,000 and more by hand
FIRST = int(os.environ.get("ISOFLOP_BAD_CALLS_FROM", "0"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("bad")
    prepare(place)
    return place


@pytest.fixture(scope="module")
def ask(folder: Path) -> Iterator[Caller]:
    with Caller(folder) as caller:
        yield caller


def test_bad_calls_get_a_sentence_and_an_exit_code() -> None:
    wrong = [f"{made.written}\n    {a.fault}: {a.tail}" for made, a in faults(COUNT, FIRST)]
    assert not wrong, "make one again with tests/bad_calls.py NUMBER 1\n" + "\n".join(wrong)


def test_calls_are_made_of_every_command_and_every_kind_of_file(folder: Path) -> None:
    made = [call(number, folder) for number in range(520)]
    for name in commands.every():
        assert any(c.words[: name.count(" ") + 1] == tuple(name.split()) for c in made), name
    assert all((folder / name).exists() for names in FILES.values() for name in names)
    assert len({c.words for c in made}) > 480


IDLE = (
    "plan chinchilla/besiroglu2024 --C 1e21 --rule step-law2025",
    "plan chinchilla/besiroglu2024 --C 1e21 --chips 16",
    "plan chinchilla/besiroglu2024 --C 1e21 --precision fp8",
    "plan chinchilla/besiroglu2024 --C 1e21 --count zzz=zzz",
    "plan chinchilla/besiroglu2024 --C 1e21 --shapes vocabulary=32000",
    "plan chinchilla/besiroglu2024 --C 1e21 --level 0.8",
    "plan chinchilla/besiroglu2024 --C 1e21 --chip H100 --serving-precision fp8",
    "reach chinchilla/besiroglu2024 --L 2 --generated 1e9",
    "forecast chinchilla/besiroglu2024 --N 70B --D 1T --growth 0.1",
    "flops --layers 2 --width 64 --heads 2 --feed-forward 128 --vocabulary 9 --context 9 --top-k 1",
    "lr --N 1B --D 100B --within 0.01",
    "fit sample:tiny --law chinchilla --draws 0 --level 0.8",
    "fit sample:tiny --law chinchilla --over C",
    "compare sample:tiny --laws chinchilla --draws 30",
    "backtest sample:tiny --laws chinchilla --over C",
    "testtime exchange --times 14 --size 1e9",
    "testtime exchange --times 14 --bins 3",
    "testtime curves sample:bank --columns correct=x",
    "testtime curves sample:bank --answer-tokens 7",
    "testtime sample drawn --api chat",
    "testtime sample drawn --time-limit 3",
    "reward fit sample:simulated-scores --columns gold=x",
    "schedule fit sample:schedules --warmup 7",
    "design chinchilla --at N=7e10,D=1e12 --at-least N=1e7,D=2e8,C=1 --at-most N=1e9,D=2e10",
)


@pytest.mark.parametrize("line", IDLE)
def test_an_option_without_effect_is_refused(ask: Caller, line: str) -> None:
    refused(ask(line.split()))


@pytest.mark.parametrize(
    "line",
    [
        "flops --layers 999999999999999999 --width 8 --heads 1 --feed-forward 8 --vocabulary 9 "
        "--context 9",
        "shape --N 1e308",
        "shape --N 1e99",
        "shape --N 3e9 --aspect 1e-30",
        "emergence --items 999999999",
        "wall chinchilla/besiroglu2024 --draws 999999999",
        "fit sample:tiny --law chinchilla --draws 999999999",
        "cost --C 1e20 --chip H100 --mfu 0.4 --chips 0",
        "cost --C 1e20 --C 1e21 --chip H100 --mfu 0.4",
        "design chinchilla --at N=7e10,D=1e12 --steps 99999",
        "testtime policy sample:bank --bins 99999",
    ],
)
def test_a_size_has_a_limit_that_is_said(ask: Caller, line: str) -> None:
    refused(ask(line.split()))


@pytest.mark.parametrize("device", ["zzz", "cuda:999", "cpu:0", "CUDA", "cuda:-1"])
@pytest.mark.parametrize("command", ["sweep run", "rl run"])
def test_a_device_that_is_none_is_refused_before_anything_is_written(
    ask: Caller, folder: Path, command: str, device: str
) -> None:
    answer = ask([*command.split(), "unwritten", "--preset", "tiny", "--device", device])
    assert answer.code in (2, 3), answer
    assert device in answer.err
    assert not (folder / "unwritten").exists()


def refused(answer: Answer) -> None:
    """Hold that an answer is a sentence on what was asked, and nothing else."""
    assert (answer.code, answer.fault, answer.out) == (2, "", ""), answer
    assert answer.err.startswith("isoflop: ")
