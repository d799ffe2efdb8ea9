"""Best-of-n from one bank is what enumeration gives, for every n, and its KL is known."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.errors import UsageError
from isoflop.samples.best_of_n import best_of_n, blocks, by_rank, grid, prompt_draws, weighted
from isoflop.samples.kl import (
    exact_kl,
    kl_bound,
    kl_estimates,
    kl_of_best_of_n,
    n_of_kl,
)

# n and log n - (n - 1)/n, to four digits.
TABLE = {2: 0.1931, 4: 0.6363, 16: 1.8351, 64: 3.1745, 256: 4.5491, 1000: 5.9088,
         12_500: 8.4336, 60_000: 10.0021}  # fmt: skip


def enumerated(score, value, n):
    """Return the mean value of the best of every choice of n samples; ties share their value."""
    out = []
    for chosen in itertools.combinations(range(len(score)), n):
        s, v = score[list(chosen)], value[list(chosen)]
        out.append(v[s == s.max()].mean())
    return np.mean(out)


@given(st.lists(st.integers(0, 4), min_size=2, max_size=7), st.integers(0, 10**6))
def test_it_equals_enumeration_with_ties_and_without(scores, seed):
    score, value = np.array(scores, float), np.random.default_rng(seed).normal(size=len(scores))
    n = np.arange(1, len(scores) + 1)
    got = best_of_n(score[None], value[None], n)[0]
    want = [enumerated(score, value, k) for k in n]
    np.testing.assert_allclose(got, want, atol=1e-12)


def test_all_n_of_a_large_bank_agree_with_weights_that_leave_nothing_out():
    rng = np.random.default_rng(0)
    score, value = rng.normal(size=(2, 3, 700))
    n = rng.permutation(np.arange(1, 701))
    ranked = by_rank(score, value)
    whole = np.zeros((700, 700))
    for i in range(1, 701):  # C(i - 1, n - 1) / C(m, n) by its recursion in i
        whole[n == i, 700 - i] = 1 / np.exp(np.log(np.arange(700 - i + 1, 701)).sum()
                                            - np.log(np.arange(1, i + 1)).sum())  # fmt: skip
    for j in range(698, -1, -1):
        above = (700 - 1 - j) / np.maximum(700 - j - n, 1)
        grown = whole[:, j + 1] * above
        whole[:, j] = np.where(700 - j > n, grown, whole[:, j])
    np.testing.assert_allclose(weighted(ranked, n), ranked @ whole.T, rtol=1e-8, atol=1e-9)
    covered = np.sort(np.concatenate([which for which, _ in blocks(n, 700)]))
    np.testing.assert_array_equal(covered, np.arange(700))
    for _, weights in blocks(n, 700):
        np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-9)


def test_the_grid_is_whole_and_ends_with_the_bank():
    assert grid(8).tolist() == [1, 2, 3, 4, 6, 8]
    assert grid(10)[-1] == 10
    assert grid(1).tolist() == [1]


@pytest.mark.parametrize(
    ("score", "n", "says"),
    [
        ([[1.0, np.nan]], 1, "sample 1 has no score"),
        ([[1.0, 2.0]], 3, "1 to 2"),
        ([[1.0, 2.0]], 1.5, "whole"),
        ([1.0, 2.0], 1, "prompts by samples"),
    ],
)
def test_what_has_no_answer_is_refused(score, n, says):
    with pytest.raises(UsageError, match=says):
        best_of_n(score, score, n)


def test_a_million_rows_for_every_n_with_a_thousand_draws_take_seconds():
    rng = np.random.default_rng(0)
    score, gold = rng.normal(size=(2, 250, 4000))
    began = time.process_time()
    curve = best_of_n(score, gold, np.arange(1, 4001))
    drawn = prompt_draws(250, 1000) @ curve
    assert drawn.shape == (1000, 4000)
    assert time.process_time() - began < 5


def test_kl_of_best_of_n_is_the_table_and_lambert_inverts_it():
    n = np.array(list(TABLE))
    np.testing.assert_allclose(kl_bound(n), list(TABLE.values()), atol=6e-5)
    many = np.concatenate([[1.0], np.geomspace(1.001, 1e300, 400)])
    np.testing.assert_allclose(n_of_kl(kl_bound(many)), many, rtol=1e-6)
    with pytest.raises(UsageError, match="below zero"):
        n_of_kl([-0.1])
    with pytest.raises(UsageError, match="at least 1"):
        kl_bound(0.5)


def test_beirami_comes_near_the_exact_kl_where_the_bound_is_far_off():
    rng = np.random.default_rng(0)
    error, gap = [], []
    for _ in range(200):
        p = rng.dirichlet(np.full(rng.integers(2, 60), rng.choice([0.1, 0.3, 1.0, 3.0])))
        p = p[p > 1e-12] / p[p > 1e-12].sum()
        upto = np.minimum(np.cumsum(p), 1)
        for n in (8, 16, 64, 256, 1024):
            chosen = upto**n - (upto - p).clip(0) ** n
            exact = exact_kl(p, n)
            got = (chosen * kl_of_best_of_n(n, np.minimum(np.log(p), 0))).sum()
            error.append(abs(got - exact))
            gap.append(kl_bound(n) - exact)
    assert np.median(error) <= 0.01
    assert max(error) <= 0.06
    assert min(gap) > -1e-9, "the bound is one"
    assert max(gap) > 4


def test_beirami_is_the_bound_for_long_texts_and_log_two_for_a_coin():
    assert kl_of_best_of_n(64, -200.0) == kl_bound(64)
    assert kl_of_best_of_n(64, np.log(0.5)) == pytest.approx(np.log(2), abs=1e-9)
    assert kl_of_best_of_n(64, 0.0) == pytest.approx(0, abs=1e-12)
    assert kl_of_best_of_n(1, np.log(0.3)) == pytest.approx(0, abs=1e-12)
    with pytest.raises(UsageError, match="above zero"):
        kl_of_best_of_n(2, 0.1)


def test_three_estimators_of_a_kl_between_gaussians():
    rng = np.random.default_rng(1)
    x = rng.normal(0.3, 1, 200_000)  # KL(N(.3, 1) || N(0, 1)) = .045
    found = kl_estimates(-((x - 0.3) ** 2) / 2, -(x**2) / 2)
    for one in found:
        assert one.value == pytest.approx(0.045, abs=4 * one.error + 0.001), one.name
        assert one.error == pytest.approx(np.sqrt(one.variance / 200_000))
    assert found.k3.variance < found.k1.variance / 10
    assert (found.k1.unbiased, found.k2.unbiased, found.k3.unbiased) == (True, False, True)


def test_k3_scatters_less_than_k1_near_by_and_more_from_two_thirds_of_a_nat_on():
    """Of a normal log-ratio, var k1 = 2 KL and var k3 = exp(2 KL) - 1 - 2 KL; alike at .628."""
    z = np.random.default_rng(3).normal(size=400_000)
    for kl, less in ((0.3, True), (1.0, False)):
        found = kl_estimates(np.zeros(z.size), -kl - np.sqrt(2 * kl) * z)
        assert (found.k3.variance < found.k1.variance) == less
        assert found.k1.variance == pytest.approx(2 * kl, rel=0.02)
        assert found.k3.variance == pytest.approx(np.expm1(2 * kl) - 2 * kl, rel=0.1)


def test_k3_is_a_nat_low_where_rare_responses_hold_it():
    z = np.random.default_rng(4).normal(size=(50, 1000))
    far = [kl_estimates(np.zeros(1000), -30 - np.sqrt(60) * row) for row in z]
    assert np.median([f.k1.value for f in far]) == pytest.approx(30, abs=0.2)
    assert np.median([f.k3.value for f in far]) == pytest.approx(29, abs=0.2)


def test_errors_of_the_kl_estimators_are_stated_as_they_are():
    rng = np.random.default_rng(2)
    values, errors = [], []
    for _ in range(400):
        x = rng.normal(0.5, 1, 100)
        found = kl_estimates(-((x - 0.5) ** 2) / 2, -(x**2) / 2)
        values.append([one.value for one in found])
        errors.append([one.error for one in found])
    np.testing.assert_allclose(np.mean(values, 0)[[0, 2]], 0.125, atol=0.01)
    np.testing.assert_allclose(np.std(values, 0), np.mean(errors, 0), rtol=0.12)


def test_one_sample_that_says_it_all_is_shown():
    found = kl_estimates([0.0, 0.0, -9.0], [0.0, 0.0, 9.0])
    assert found.k3.largest == 1
    with pytest.raises(UsageError, match="same length"):
        kl_estimates([0.0], [0.0])
    with pytest.raises(UsageError, match="sample 1"):
        kl_estimates([0.0, 0.0], [0.0, -np.inf])
