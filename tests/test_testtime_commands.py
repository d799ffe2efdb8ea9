"""testtime curves, fit, policy and exchange: answers as data, pages, and a user's mistakes."""

from __future__ import annotations

import json

import pytest

from isoflop import cli
from isoflop.samples.bank import Sample, SampleBank

BUDGETS = (8, 12, 16, 24, 32, 48, 64, 128)


def said(capsys, *arguments):
    code = cli.main(["testtime", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def answer(capsys, *arguments):
    code, out, err = said(capsys, *arguments, "--json")
    assert code == 0, err
    return json.loads(out)


@pytest.fixture
def bank(tmp_path):
    """Return a bank of 12 problems of 16 samples, whose verifier failed at times."""
    made = SampleBank.create(tmp_path / "bank")
    with made.writing() as rows:
        rows.append([
            Sample(
                problem=f"p{i}", sample=j, correct=(i * j) % 5 == 1, answer=str((i * j) % 5),
                scores={"v": float("nan") if j == 3 else (j % 4) / 4}, tokens=10 + i,
            )
            for i in range(12) for j in range(16)
        ])  # fmt: skip
        rows.append([Sample(problem="p0", sample=99, left_out="the server returned rubbish")])
    return tmp_path / "bank"


def test_curves_of_a_bank_say_what_was_left_out(bank, capsys):
    made = answer(capsys, "curves", bank, "--k", "1", "--k", "4", "--draws", "50")
    assert set(made["curves"]) == {"coverage", "majority", "best of k by v", "vote weighted by v"}
    assert made["curves"]["coverage"]["k"] == [1, 4]
    assert any("the server returned rubbish" in n for n in made["notes"])
    assert any("12 samples without a finite score of v" in n for n in made["notes"])


@pytest.fixture
def tried(bank):
    """Return the bank with strategies beside its samples: budgets that help up to 64 tokens."""
    with SampleBank.open(bank).writing() as rows:
        for tokens, right in zip(BUDGETS, (1, 1, 2, 2, 3, 3, 4, 3), strict=True):
            rows.append([
                Sample(problem=f"p{i}", sample=j, strategy=f"budget/tokens={tokens}",
                       correct=(i + j * j) % 5 < right, tokens=tokens + (2 if j else 3))
                for i in range(12) for j in range(5)
            ])  # fmt: skip
        rows.append([Sample(problem="q", sample=0, strategy="beam/n=4", correct=True, tokens=9)])
    return bank


def test_forced_budgets_have_control_scaling_and_performance(tried, capsys):
    made = answer(capsys, "curves", tried, "--over", "tokens", "--answer-tokens", "2",
                  "--draws", "50")  # fmt: skip
    assert made["over"] == "tokens"
    assert made["curves"]["majority"]["cost"][-1] == pytest.approx(16 * 15.5)
    ran = made["strategies"]
    assert set(ran) == {f"budget/tokens={t}" for t in BUDGETS}
    assert ran["budget/tokens=8"]["control"] == pytest.approx(0.8)  # 48 of 60 take two more
    assert ran["budget/tokens=64"]["tokens"] == pytest.approx(66.2)
    forced = made["forced"]["budget/tokens"]
    assert forced["budgets"] == 8
    assert forced["performance"] == ran["budget/tokens=64"]["score"] > 0.7
    assert forced["low"] < forced["scaling_per_token"] < forced["high"]
    assert any(n.startswith("beam/n=4: run on other problems") for n in made["notes"])


def test_strategies_that_differ_in_more_than_one_number_are_no_budgets(capsys):
    made = answer(capsys, "curves", "sample:chain-bank", "--k", "1", "--draws", "20")
    assert {"revision/n=16,chain=2", "revision/n=4,chain=4"} < set(made["strategies"])
    assert set(made["forced"]) == {"beam/n", "budget/again", "budget/tokens"}


def test_thinking_laws_are_fitted_to_what_the_bank_shows(tried, tmp_path, capsys):
    points, page = tmp_path / "points.csv", tmp_path / "page.html"
    answer(capsys, "curves", tried, "--points", points, "--draws", "20")
    assert points.read_text().splitlines()[1].startswith("budget/tokens=8,budget/tokens,10.2,0.")
    asked = ["compare", str(points), "--laws", "log-linear,saturating-power,peaked-log",
             "--over", "thinking", "--objectives", "squared", "--html", str(page)]  # fmt: skip
    assert cli.main([*asked, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert "peaked-log" in json.dumps(found)
    code = cli.main(["fit", str(points), "--law", "peaked-log", "--over", "thinking",
                     "--objective", "squared", "--draws", "20", "--html", str(page)])  # fmt: skip
    assert code == 0
    assert "thinking" in capsys.readouterr().out
    assert "tokens generated per problem at test time" in page.read_text()


@pytest.mark.parametrize(
    ("over", "unit"), [("flop", "FLOP"), ("seconds", "seconds"), ("tokens", "tokens")]
)
def test_curves_lie_over_what_samples_cost(over, unit, capsys):
    code, out, err = said(capsys, "curves", "sample:bank", "--over", over, "--k", "8",
                          "--draws", "20")  # fmt: skip
    assert code == 0, err
    assert f"[{unit}]" in out.replace("\n", " ")


def test_prices_of_a_host_make_it_dollars(tmp_path, capsys):
    made = answer(capsys, "curves", "sample:bank", "--price-in", "1", "--price-out", "10",
                  "--k", "1", "--k", "8", "--draws", "20")  # fmt: skip
    assert made["over"] == "dollars"
    one, eight = made["curves"]["coverage"]["cost"]
    assert eight - one == pytest.approx(7 * (one - 1e-4))  # a prompt of 100 tokens is paid once
    made = answer(capsys, "policy", "sample:bank", "--price-in", "1", "--price-out", "10",
                  "--draws", "20")  # fmt: skip
    assert made["unit"] == "dollars"


def test_notes_speak_of_the_strategy_that_is_used(capsys):
    """Every parallel sample of the packaged bank has a score; four have no answer."""
    made = answer(capsys, "curves", "sample:chain-bank", "--k", "1", "--draws", "20")
    lacks = [n for n in made["notes"] if "answer" in n or "score" in n]
    assert lacks == ["4 samples have no answer in a normal form: they do not vote"]
    assert (
        answer(capsys, "fit", "sample:chain-bank", "--way", "log-log", "--draws", "9")["notes"]
        == []
    )  # coverage asks for neither


def test_a_verifier_that_scored_nothing_of_a_strategy_is_left_out(tried, capsys):
    made = answer(capsys, "curves", tried, "--strategy", "budget/tokens=8", "--draws", "20")
    assert set(made["curves"]) == {"coverage"}
    assert "verifier v scored none of these samples" in made["notes"]


def test_a_page_holds_the_pictures(bank, tmp_path, capsys):
    page = tmp_path / "page.html"
    code, _, _ = said(capsys, "curves", bank, "--draws", "50", "--html", page)
    assert code == 0
    assert "What k samples solve" in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("curves", "BANK", "--k", "17"), "k = 17 is beyond the bank: problem 'p0' has 16"),
        (("curves", "BANK", "--k", "1.5"), "whole number"),
        (("curves", "BANK", "--verifier", "w"), "no verifier in the bank called 'w'"),
        (("curves", "BANK", "--strategy", "beam"), "none of that"),
        (("curves", "nowhere.csv"), "there is no log 'nowhere.csv'"),
        (("fit", "BANK", "--way", "loglog"), "did you mean 'log-log'"),
        (("policy", "BANK", "--bins", "9"), "12 problems are too few for 9 bins"),
        (("policy", "BANK", "--unit", "flop"), "do not state their flop"),
        (("policy", "BANK", "--unit", "euros"), "no unit called 'euros'"),
        (("policy", "BANK", "--level", "1.5"), "must lie between 0 and 1"),
        (("policy", "BANK", "--draws", "0"), "draws is 0; it must be a whole number from 1"),
        (("policy", "BANK", "--estimate", "0"), "0 samples are to be set aside; give one"),
        (("curves", "BANK", "--over", "dollars"), "need --price-in and --price-out"),
        (("curves", "BANK", "--price-in", "1"), "--price-out is missing"),
        (("curves", "BANK", "--points", "no.csv"), "no strategies that state their tokens"),
        (("fit", "BANK", "--to", "0.5"), "begins at one sample"),
        (("fit", "BANK", "--to", "1e99"), "forecasts reach 1e+12 samples"),
        (("curves", "sample:bank", "--verifier", "nope"), "there is verifier"),
        (("curves", "sample:bank", "--strategy", "beem"), "parallel of 'bank'"),
        (("curves", "sample:bonk"), "no sample called 'bonk'; did you mean 'bank'"),
        (("score", "nobank", "--check", "true"), "nobank is no bank of samples"),
        (("sample", "new", "--samples", "-3"), "must be a whole number from 1 to"),
        (("exchange", "sample:bank", "sample:bank-large", "--times", "2", "--level", "2"),
         "must lie between 0 and 1"),
        (("exchange", "BANK", "--times", "14"), "of both models"),
        (("exchange", "--times", "0.5"), "at least 1"),
        (("exchange", "--times", "14", "--law", "chinchilla/besiroglu2024"), "needs --size"),
    ],
)  # fmt: skip
def test_mistakes_end_in_one_line(bank, capsys, arguments, says):
    code, _, err = said(capsys, *(bank if a == "BANK" else a for a in arguments))
    assert code in (1, 2)
    assert says in " ".join(err.split())
    assert "Traceback" not in err


def test_a_verifier_that_is_not_there_is_a_mistake_of_the_user(capsys):
    assert said(capsys, "curves", "sample:bank", "--verifier", "nope")[0] == 2


def test_counts_are_enough_for_a_forecast(tmp_path, capsys):
    path = tmp_path / "counts.csv"
    rows = [f"p{i},{(i * i) % 40},60" for i in range(40)]
    path.write_text("problem,solved,tried\n" + "\n".join(rows) + "\n")
    made = answer(capsys, "fit", path, "--to", "1000", "--draws", "20", "--repeats", "1",
                  "--way", "log-log", "--way", "beta-binomial")  # fmt: skip
    best = made["ways"][made["best"]]["forecast"]
    assert made["coverage"] < best["coverage"] < 1
    assert best["low"] < best["coverage"] < best["high"]
    assert said(capsys, "curves", path, "--verifier", "v")[0] == 2
    code, _, err = said(capsys, "policy", path)
    assert code == 2
    assert "counts tell coverage alone" in err
    path.write_text("problem,solved,tried\na,1,2\na,1,2\n")
    code, _, err = said(capsys, "fit", path)
    assert code == 2
    assert "'a' has several rows" in " ".join(err.split())


def test_doubts_on_ways_that_are_not_the_best_follow_the_answer(capsys):
    code, out, _ = said(capsys, "fit", "sample:bank", "--draws", "9", "--repeats", "1")
    assert code == 0
    title = "The way that forecast held-out samples best"
    assert out.index(title) < out.index("Note: beta-binomial, some unsolvable: unsolvable ended")
    assert "Doubt" not in out


def test_a_policy_is_written_as_a_router(bank, tmp_path, capsys):
    out = tmp_path / "router.json"
    made = answer(capsys, "policy", bank, "--by", "agreement", "--bins", "2", "--draws", "20",
                  "--unit", "tokens", "--out", out)  # fmt: skip
    assert made["charged"]
    assert made["unit"] == "tokens"
    assert json.loads(out.read_text())["kind"] == "router"


def test_an_exchange_prints_the_multipliers(capsys):
    made = answer(capsys, "exchange", "--times", "14", "--law", "chinchilla/besiroglu2024",
                  "--size", "1e9", "--data", "2e10")  # fmt: skip
    assert [m["samples"] for m in made["multipliers"]] == pytest.approx([257.75, 63.37, 15.77],
                                                                       abs=0.01)  # fmt: skip
    small, large = made["pretraining"]["loss"]
    assert large < small
