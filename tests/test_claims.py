"""Claims: the verdict follows from sources and numbers, and a wrong constant would change it."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop import cli
from isoflop.atlas import claims as atlas
from isoflop.atlas.claims import CLAIMS, LEFT_OUT, AtLeast
from isoflop.atlas.models import MODELS
from isoflop.claims.check import judge
from isoflop.claims.recomputed import REGISTRY, agrees
from isoflop.laws import constants

# What the literature says of each, read claim by claim: the command must come to the same.
WRONG = {16, 17, 18, 19, 20, 23, 24, 29, 30, 31, 32, 34, 36, 45, 46, 47, 49, 54, 55, 60, 64, 67, 69}
CAVEAT = {9, 12, 21, 22, 25, 28, 39, 41, 42, 43, 61, 71, 72}
NOWHERE = {38, 51, 56, 62, 66}

# Statements of what was done or seen, with no number that code could compute.
NOT_COMPUTED = {
    10, 11, 14, 24, 38, 42, 43, 47, 50, 51, 52, 53, 54, 56, 58, 62, 64, 66, 68,
}  # fmt: skip


def expected(number: int) -> str:
    if number in WRONG:
        return "wrong"
    if number in CAVEAT:
        return "needs a caveat"
    return "no source found" if number in NOWHERE else "right"


def found(number: int, what: str) -> float:
    """Return a number that is recomputed for a claim."""
    made = judge(CLAIMS[number]).recomputed
    return {**{c.what: c.recomputed for c in made.compared}, **made.also}[what]


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=lambda c: f"{c.number}")
def test_verdict(claim):
    assert judge(claim).verdict == expected(claim.number)


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=lambda c: f"{c.number}")
def test_every_claim_is_computed_where_it_can_be(claim):
    made = judge(claim).recomputed
    assert made.computed == (claim.number not in NOT_COMPUTED)
    if claim.statements and claim.number != 49:
        assert {c.what for c in made.compared} == set(claim.statements)


def test_every_claim_has_a_public_source_or_says_that_there_is_none():
    public = r"arXiv:\d{4}\.\d{4,5}|epoch\.ai|openai\.com|github\.com|oneusefulthing\.org"
    for claim in CLAIMS.values():
        assert bool(claim.source) == (claim.standing != "nowhere")
        assert not claim.source or re.search(public, claim.source)
        assert claim.statement.endswith(".")


def test_all_are_numbered_and_what_is_left_out_is_said():
    assert set(CLAIMS) | set(LEFT_OUT) == set(range(1, 73))
    assert set(REGISTRY) <= set(CLAIMS)


@pytest.mark.parametrize(
    ("number", "what", "value"),
    [
        (23, "times N", 5.370),
        (21, "times the data", 4.66),
        (28, "best tokens per parameter, by hoffmann2022", 92.65),
        (28, "best tokens per parameter, by hoffmann2022-tex", 58.93),
        (28, "best tokens per parameter, by besiroglu2024", 18.39),
        (34, "reducible loss added", 0.0306),
        (40, "compute over Chinchilla", 1.22),
        (41, "tokens served until it pays", 1.06e12),
        (41, "loss of Llama 3 8B", 2.022),
        (41, "loss of Chinchilla 70B", 1.974),
        (45, "N [params]", 4.85e11),
        (45, "D [tokens]", 1.98e11),
        (55, "% of the peak of an A100, over these hours", 26.6),
        (63, "percent off in compute", 1.33),
        (63, "percent off in cost", 35.9),
        (67, "times what is said", 31.4),
        (69, "exponent of N in C, counted as Kaplan did", 0.786),
        (13, "times the tokens for a 14 times larger model", 257.75),
        (46, "slope of the whole loss", 0.0466),
    ],
)
def test_numbers(number, what, value):
    assert found(number, what) == pytest.approx(value, rel=6e-3)


# --- a wrong constant changes a verdict


@pytest.mark.parametrize(
    ("number", "name", "value"),
    [
        (23, "times N", 5.37),
        (67, "FLOP", 3.1e23),
        (32, "tokens per parameter", 1),
        (24, "smallest N [params]", 768),
    ],
)
def test_a_number_put_right_makes_a_wrong_claim_right(number, name, value):
    claim = CLAIMS[number]
    assert judge(claim).verdict == "wrong"
    mended = dataclasses.replace(claim, statements={**claim.statements, name: value})
    assert judge(mended).verdict == "right"


def replaced(monkeypatch, key: str, **values: float) -> None:
    """Give a published set of constants other numbers."""
    was = constants(key)
    law = type(was.law)(**{**was.law.values, **values})
    monkeypatch.setitem(type(law).published, was.name, dataclasses.replace(was, law=law))


@pytest.mark.parametrize(
    ("key", "values", "broken"),
    [
        ("power/kaplan2020-n", {"alpha": 0.086}, (2,)),
        ("power/kaplan2020-n-of-c", {"alpha": -0.78}, (5, 22)),
        ("chinchilla/hoffmann2022", {"beta": 0.295}, (28,)),
        ("chinchilla/besiroglu2024", {"beta": 0.30}, (70,)),
        ("chinchilla/sardana2023", {"alpha": 0.35}, (63,)),
    ],
)
def test_a_wrong_constant_in_a_law_breaks_what_rests_on_it(monkeypatch, key, values, broken):
    replaced(monkeypatch, key, **values)
    for number in broken:
        assert judge(CLAIMS[number]).verdict == "wrong" != expected(number)


def test_a_wrong_model_in_the_atlas_breaks_what_rests_on_it(monkeypatch):
    gpt3 = MODELS["GPT-3 175B"]
    wrong = dataclasses.replace(gpt3, D=dataclasses.replace(gpt3.D, value=1e10))
    for module in ("models", "chinchilla"):
        monkeypatch.setattr(f"isoflop.claims.{module}.MODELS", {**MODELS, "GPT-3 175B": wrong})
    assert judge(CLAIMS[26]).verdict == "wrong"
    assert judge(CLAIMS[67]).verdict == "right"


@given(st.floats(1e-3, 1e25), st.integers(1, 6))
def test_a_number_holds_against_itself_rounded_and_not_against_its_double(value, places):
    rounded = float(f"{value:.{places}e}")
    assert agrees(rounded, value)
    assert not agrees(rounded, value * 2)


def test_a_lower_bound_and_a_share():
    assert agrees(AtLeast(6), 6.3)
    assert not agrees(AtLeast(6), 5.9)
    assert agrees(20, 18.4, within=0.1)
    assert not agrees(20, 17.9, within=0.1)


# --- the command


def test_the_command_answers_as_data(capsys):
    assert cli.main(["claims", "23", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["claims"]
    assert row["verdict"] == "wrong"
    said = {c["what"]: (c["said"], round(c["found"], 3), c["holds"]) for c in row["compared"]}
    assert said == {"times N": (5.32, 5.37, False), "times D": (1.86, 1.862, True)}


def test_claims_can_be_narrowed(capsys):
    assert cli.main(["claims", "--verdict", "wrong", "--topic", "chinchilla", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["claims"]
    assert {r["number"] for r in rows} == {19, 29, 30, 31, 32, 34}


def test_the_count_says_how_many_are_of_which_kind(capsys):
    assert cli.main(["claims"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "71 claims: 30 right, 13 needs a caveat, 23 wrong, 5 no source found" in out
    assert "Left out: 1 (65)" in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["99"], "no claim '99'; they are numbered from 1 to 72"),
        (["first"], "no claim 'first'"),
        (["65"], "claim 65 is left out"),
        (["1", "--verdict", "wrong"], "none of these claims has the verdict 'wrong'"),
        (["--topic", "Kapln"], "did you mean 'Kaplan'?"),
        (["1", "--topic", "data"], "none of these claims is on the topic 'data'"),
    ],
)
def test_a_mistake_gets_one_sentence(capsys, arguments, sentence):
    assert cli.main(["claims", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err
    assert "Traceback" not in err


def test_the_atlas_holds_no_verdict():
    fields = {f.name for f in dataclasses.fields(atlas.Claim)}
    assert "verdict" not in fields
