"""What a bank tells of k samples equals the mean over all subsets of k."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.errors import RefusedByData, UsageError, texts
from isoflop.samples import votes as voting
from isoflop.samples.answers import normal
from isoflop.samples.coverage import coverage, k_grid, pass_at_k
from isoflop.samples.curves import best_each, coverage_curve, curves
from isoflop.samples.sample_table import Counts, Samples
from isoflop.samples.simulated_samples import SyntheticTask, simulate
from isoflop.samples.votes import votes


def a_bank(rng, problems=5, m=8, answers=4, silent=True):
    """Return samples whose right answer is 1; -1 is no answer, and scores tie at times."""
    said = rng.integers(-1 if silent else 0, answers, (problems, m))
    return Samples(
        tuple(f"p{i}" for i in range(problems)), np.arange(problems + 1) * m, (said == 1).ravel(),
        {"v": np.round(rng.random(problems * m), 1)}, said.ravel().astype(np.int32),
        tuple(map(str, range(answers))),
    )  # fmt: skip


def over_all_subsets(samples, k, rule):
    """Return the mean of a rule over every subset of k samples, for each problem."""
    out = []
    for i in range(len(samples.problems)):
        rows = np.arange(len(samples))[samples.rows(i)]
        out.append(np.mean([rule(list(s)) for s in itertools.combinations(rows, k)]))
    return np.array(out)


def vote_rule(samples, weights):
    def rule(rows):
        total = {}
        for r in rows:
            if samples.answer[r] >= 0:
                total[samples.answer[r]] = total.get(samples.answer[r], 0.0) + weights[r]
        won = [a for a, w in total.items() if w > 0 and w >= max(total.values()) - 1e-9]
        return (1 in won) / len(won) if won else 0.0

    return rule


def best_rule(samples):
    def rule(rows):
        top = max(samples.scores["v"][r] for r in rows)
        return np.mean([samples.correct[r] for r in rows if samples.scores["v"][r] == top])

    return rule


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), k=st.integers(1, 8))
def test_every_estimator_is_the_mean_over_all_subsets(seed, k):
    samples = a_bank(np.random.default_rng(seed))
    counts = samples.counts
    any_right = over_all_subsets(samples, k, lambda rows: samples.correct[rows].any())
    np.testing.assert_allclose(coverage(counts, k)[:, 0], any_right, atol=1e-12)
    np.testing.assert_allclose(
        best_each(samples, "v", k)[:, 0], over_all_subsets(samples, k, best_rule(samples)),
        atol=1e-12,
    )  # fmt: skip
    if (samples.answer >= 0).any():
        plain, exact = votes(samples, k)
        assert exact.all()
        ones = np.ones(len(samples))
        wanted = over_all_subsets(samples, k, vote_rule(samples, ones))
        np.testing.assert_allclose(plain[:, 0], wanted, atol=1e-12)
        weighed, exact = votes(samples, k, "v")
        assert exact.all()
        wanted = over_all_subsets(samples, k, vote_rule(samples, samples.scores["v"]))
        np.testing.assert_allclose(weighed[:, 0], wanted, atol=1e-12)


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), k=st.integers(1, 5))
def test_samples_that_are_given_take_part_in_every_draw(seed, k):
    rng = np.random.default_rng(seed)
    samples, first = a_bank(rng, m=5), a_bank(rng, m=3)
    both = [
        np.concatenate([ours.reshape(5, 5), theirs.reshape(5, 3)], axis=1).ravel()
        for ours, theirs in [
            (samples.correct, first.correct), (samples.answer, first.answer),
            (samples.scores["v"], first.scores["v"]),
        ]
    ]  # fmt: skip
    right, answer, score = both
    joined = Samples(samples.problems, np.arange(6) * 8, right, {"v": score}, answer)

    def mean(rule):
        return [
            np.mean([rule([*s, *range(i + 5, i + 8)])
                     for s in itertools.combinations(range(i, i + 5), k)])
            for i in range(0, 40, 8)
        ]  # fmt: skip

    def first_stays(rows):
        had, came = rows[-3:], rows[:-3]
        better = [r for r in came if score[r] > max(score[had])]
        return best_rule(joined)(better or had)

    np.testing.assert_allclose(
        best_each(samples, "v", k, first)[:, 0], mean(first_stays), atol=1e-12
    )
    if (samples.answer >= 0).any() and (first.answer >= 0).any():
        for name, weights in ((None, np.ones(40)), ("v", score)):
            made, exact = votes(samples, k, name, other_samples=first)
            assert exact.all()
            np.testing.assert_allclose(made[:, 0], mean(vote_rule(joined, weights)), atol=1e-12)


def test_votes_that_are_drawn_agree_with_those_that_are_counted(monkeypatch):
    samples = a_bank(np.random.default_rng(3), problems=40, m=30)
    exact, known = votes(samples, [1, 3, 8, 15])
    assert known.all()
    monkeypatch.setattr(voting, "EXACT_K", 0)
    drawn, known = votes(samples, [1, 3, 8, 15, 30])
    assert known.tolist() == [True, False, False, False, True]
    np.testing.assert_allclose(drawn[:, :4].mean(0), exact.mean(0), atol=0.01)


def test_an_answer_that_ties_shares_and_silence_is_wrong():
    samples = Samples(
        ("a", "b"), np.array([0, 2, 4]), np.array([True, False, False, False]), {},
        np.array([1, 0, -1, -1], np.int32), ("x", "y"),
    )  # fmt: skip
    assert votes(samples, [1, 2])[0].tolist() == [[0.5, 0.5], [0.0, 0.0]]


def test_problems_may_differ_in_their_samples_and_k_stops_at_the_fewest():
    counts = Counts(("a", "b"), np.array([1, 3]), np.array([4, 10]))
    assert counts.reach == 4
    assert coverage(counts, 4).tolist() == [[1.0], [pytest.approx(1 - 35 / 210)]]
    with pytest.raises(UsageError, match=r"k = 5 is beyond the bank: problem 'a' has 4 .* up to 4"):
        coverage(counts, 5)
    for wrong in (0, 1.5, float("nan")):
        with pytest.raises(UsageError):
            coverage(counts, wrong)


def test_pass_at_k_keeps_its_digits_at_large_counts():
    exact = 1 - np.prod((9_999 - np.arange(5_000)) / (10_000.0 - np.arange(5_000)))
    assert pass_at_k([1], [10_000], 5_000)[0, 0] == pytest.approx(exact, rel=1e-9)
    assert pass_at_k([0, 10_000], [10_000, 10_000], 10_000).tolist() == [[0.0], [1.0]]
    assert k_grid(10_000)[[0, -1]].tolist() == [1, 10_000]


def test_samples_that_a_verifier_gave_no_number_are_left_out_and_counted():
    samples = a_bank(np.random.default_rng(0), silent=False)
    scores = samples.scores["v"].copy()
    scores[:3] = np.nan
    scores[8:16] = np.inf
    broken = Samples(samples.problems, samples.starts, samples.correct, {"v": scores},
                     samples.answer, samples.answers)  # fmt: skip
    made = {c.name: c for c in curves(broken, draws=20)}
    assert made["coverage"].k[-1] == 8
    assert made["best of k by v"].k[-1] == 5
    assert texts(made["best of k by v"].notes) == [
        "11 samples without a finite score of v are left out of its curves, and so 1 problems",
        "scores of v reach k = 5",
    ]
    nothing = Samples(samples.problems, samples.starts, samples.correct,
                      {"v": np.full(len(samples), np.nan)})  # fmt: skip
    with pytest.raises(RefusedByData, match="gave no sample a number"):
        curves(nothing)


def test_scores_below_zero_choose_but_do_not_vote():
    samples = a_bank(np.random.default_rng(1))
    samples.scores["v"][:] -= 0.5
    made = {c.name: c for c in curves(samples, draws=20)}
    assert "vote weighted by v" not in made
    assert "below zero" in made["best of k by v"].notes[0].text


def test_intervals_draw_problems_and_hold_the_truth_as_often_as_they_say():
    """The truth is the mean over the world; a bank of 60 problems misses it by its luck."""
    world, k = SyntheticTask(alpha=0.5, beta=1.5), 4
    rate = world.rates(200_000, np.random.default_rng(99))
    truth, inside = float((1 - (1 - rate) ** k).mean()), 0
    for seed in range(100):
        table = simulate(world, 60, 16, seed=seed)
        solved = table["correct"].reshape(60, 16).sum(1)
        counts = Counts(tuple(map(str, range(60))), solved, np.full(60, 16))
        made = coverage_curve(counts, [k], draws=400, seed=seed)
        inside += bool(made.low[0] <= truth <= made.high[0])
    assert 82 <= inside <= 97


@pytest.mark.parametrize(
    ("text", "form"),
    [("\\boxed{1,234}", "1234"), (" 3.0 ", "3"), ("\\frac{1}{2}", "1/2"), ("0.5", "1/2"),
     ("$x$", "x"), ("\\text{Yes}.", "yes"), ("", None), (None, None), ("a" * 500, None),
     (float("nan"), None), (7, "7"), ("4/2", "2"), ("1/0", "1/0")],
)  # fmt: skip
def test_answers_have_one_form(text, form):
    assert normal(text) == form


@given(st.text(max_size=60))
def test_the_normal_form_of_any_text_is_stable(text):
    form = normal(text)
    assert form is None or normal(form) == form
