"""Theory and teaching: an exact identity, an estimator with its bias, and what a metric does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop import theory
from isoflop.errors import CannotFit, UsageError
from isoflop.sources import read
from isoflop.theory import simulated


@given(
    st.integers(1, 60), st.integers(2, 40), st.floats(0.01, 20), st.integers(0, 2**31),
    st.integers(1, 7),
)  # fmt: skip
def test_v28_the_parts_add_up_to_the_cross_entropy(tokens, vocabulary, heat, seed, batches):
    rng = np.random.default_rng(seed)
    logits = heat * rng.standard_normal((tokens, vocabulary))
    truth = rng.integers(0, vocabulary, tokens)
    ranks, log_p = theory.ranked(logits, truth)
    parts = zip(np.array_split(ranks, batches), np.array_split(log_p, batches), strict=True)
    found = theory.decompose(parts)
    assert abs(found.rest) < 1e-10
    assert found.cross_entropy == pytest.approx(-log_p.mean(), abs=1e-10)
    assert found.error_entropy >= 0
    assert found.self_alignment > -1e-12
    assert found.tokens == tokens
    assert found.ranks <= min(tokens, vocabulary)


def test_how_a_stream_is_cut_changes_nothing():
    rng = np.random.default_rng(0)
    ranks, log_p = rng.integers(0, 50, 1000), -rng.exponential(2, 1000)
    whole = theory.decompose([(ranks, log_p)])
    parts = theory.decompose((ranks[i : i + 7], log_p[i : i + 7]) for i in range(0, 1000, 7))
    assert parts.error_entropy == pytest.approx(whole.error_entropy, rel=1e-12)
    assert parts.confidence == pytest.approx(whole.confidence, rel=1e-12)


def test_a_rank_counts_the_tokens_above_the_truth():
    ranks, log_p = theory.ranked(np.log([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]]), np.array([0, 1]))
    assert ranks.tolist() == [0, 1]
    np.testing.assert_allclose(np.exp(log_p), [0.5, 0.2])


@pytest.mark.parametrize(
    ("batch", "says"),
    [
        (([0], [0.1]), "above 0"),
        (([-1], [-0.1]), "-1"),
        (([0, 1], [-0.1]), "2 ranks"),
        (None, "no token"),
    ],
)
def test_a_stream_that_is_none_is_refused(batch, says):
    stream = [] if batch is None else [tuple(np.array(column) for column in batch)]
    with pytest.raises(UsageError, match=says):
        theory.decompose(stream)


def on_a_sphere(d: int, n: int = 2000, within: int = 50, seed: int = 0) -> np.ndarray:
    """Return points of a d-dimensional sphere, turned into `within` dimensions: it has no edge."""
    rng = np.random.default_rng(seed)
    points = rng.standard_normal((n, d + 1))
    turn, _ = np.linalg.qr(rng.standard_normal((within, d + 1)))
    return points / np.linalg.norm(points, axis=1, keepdims=True) @ turn.T


@pytest.mark.parametrize("d", [2, 5, 10])
@pytest.mark.parametrize("k", [2, 5])
def test_the_dimension_of_known_surfaces(d, k):
    found = theory.intrinsic_dimension(on_a_sphere(d), k)
    assert found.value == pytest.approx(d, rel=0.08)
    assert found.error < 0.03 * d
    assert not found.low


@pytest.mark.parametrize(("d", "most"), [(20, 18), (40, 32)])
def test_it_is_biased_low_from_twenty_on_and_says_so(d, most):
    found = theory.intrinsic_dimension(on_a_sphere(d))
    assert found.value < most
    assert found.low
    more = theory.intrinsic_dimension(on_a_sphere(d, n=8000))
    assert found.value < more.value < d


def test_points_that_coincide_or_are_few_have_no_dimension():
    points = on_a_sphere(3)
    with pytest.raises(CannotFit, match="coincide"):
        theory.intrinsic_dimension(np.concatenate([points, points[:5]]))
    with pytest.raises(CannotFit, match="10 points"):
        theory.intrinsic_dimension(points[:10])
    with pytest.raises(UsageError, match="k is 1"):
        theory.intrinsic_dimension(points, 1)


def test_dimensions_bear_on_exponents_and_sizes():
    assert theory.exponent(4) == 1
    assert np.log10(theory.largest_model(10, "cross-entropy")) == pytest.approx(5.19)
    assert np.log10(theory.largest_model(10, "squared")) == pytest.approx(8.94)
    with pytest.raises(UsageError):
        theory.exponent(0)


FAMILY = theory.AnswerLossFamily(scale=1e9, alpha=0.4)
SIZES = np.geomspace(1e7, 1e12, 9)


def test_simulated_scores_agree_with_what_is_expected_of_them():
    got = theory.simulate(FAMILY, SIZES, 5, 40_000, seed=1)
    due = theory.expected(FAMILY, SIZES, 5)
    assert got.measured
    np.testing.assert_allclose(got.exact, due.exact, atol=0.01)
    np.testing.assert_allclose(got.wrong, due.wrong, atol=0.04)
    np.testing.assert_array_equal(got.brier, due.brier)


def test_exact_match_is_sudden_where_wrong_tokens_are_not():
    """Over the first half of the sizes exact match stays at nothing; wrong tokens fall already."""
    due = theory.expected(FAMILY, SIZES, 10)
    half = len(SIZES) // 2
    assert due.exact[half] < 0.01 * due.exact[-1]
    assert due.wrong[0] - due.wrong[half] > 0.2 * (due.wrong[0] - due.wrong[-1])


@given(st.integers(1, 40), st.integers(1, 10**6))
def test_more_items_see_an_ability_in_smaller_models(tokens, items):
    first = theory.first_seen(FAMILY, tokens, items)
    assert theory.first_seen(FAMILY, tokens, 10 * items) <= first
    needed = theory.items_to_see(FAMILY.right(np.array([first])), tokens)[0]
    assert needed == pytest.approx(items, rel=1e-6)


def test_items_to_see_hold_what_they_promise():
    rng = np.random.default_rng(0)
    p, tokens = 0.6, 6
    n = int(np.ceil(theory.items_to_see(np.array([p]), tokens)[0]))
    seen = (rng.random((4000, n)) < p**tokens).any(1).mean()
    assert 0.94 <= seen <= 0.97


def test_no_tokens_and_no_items_are_refused():
    with pytest.raises(UsageError, match="tokens is 0"):
        theory.expected(FAMILY, SIZES, 0)
    with pytest.raises(UsageError, match="items is 0"):
        theory.simulate(FAMILY, SIZES, 5, 0)
    with pytest.raises(UsageError, match="confidence"):
        theory.items_to_see(np.array([0.5]), 5, 1.0)


@pytest.mark.parametrize("name", simulated.SAMPLES)
def test_the_simulated_samples_are_what_their_generator_writes(name, tmp_path):
    simulated.SAMPLES[name]().write(tmp_path / "made.csv")
    made, kept = read(tmp_path / "made.csv"), read(f"sample:{name}")
    assert made.digest == kept.digest
    first = kept.labels["run"] if name == "simulated-ladder" else kept.labels["family"]
    assert all(label.startswith("simulated-") for label in first)
