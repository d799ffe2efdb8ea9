"""Published models: every number has a source, none is guessed, and a law gives the verdict."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop import cli
from isoflop.atlas.models import MODELS, mixtures, published_models, since_2023, until_2022
from isoflop.commands.published_models import models
from isoflop.errors import ConventionMismatch, NoOptimum, UnknownName, UsageError
from isoflop.fitting import fit
from isoflop.laws import constants
from isoflop.pages.published_models_figure import sizes_and_tokens
from isoflop.plan.published_models import judge
from isoflop.report import Points, Remark
from isoflop.runs import Runs

BESIROGLU = constants("chinchilla/besiroglu2024")
EVERY = list(MODELS.values())
PUBLIC = re.compile(
    r"arXiv:\d{4}\.\d{4,5}|github\.com|huggingface\.co|white paper"
    r"|mistral\.ai|epoch\.ai|CNBC|model card"
)


def answer(capsys, *arguments):
    code = cli.main([*arguments, "--json"])
    out, err = capsys.readouterr()
    assert code == 0, err
    return json.loads(out)


def refusal(capsys, *arguments):
    code = cli.main(list(arguments))
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    return code, err


# --- the atlas


def test_every_cell_has_a_public_source_and_a_standing():
    for model in EVERY:
        assert 2019 <= model.released <= 2026
        assert model.developer
        for cell in model.cells.values():
            assert PUBLIC.search(cell.source), cell.source
            assert (cell.value is None) == (cell.standing in ("undisclosed", "not recorded"))
            assert cell.disclosed == (cell.standing == "developer")


def test_numbers_are_possible():
    for model in EVERY:
        assert model.N.value is None or 1e7 < model.N.value < 2e12
        assert model.D.value is None or 1e9 < model.D.value < 1e14
        assert model.ratio is None or 0.3 < model.ratio < 1e5
        assert model.active is None or 0 < model.met < model.N.value


def test_reported_flop_agree_with_6nd_or_the_row_says_why():
    reported = [m for m in EVERY if m.C.value and m.flop]
    assert len(reported) >= 26
    for model in reported:
        if abs(model.C.value / model.flop - 1) > 0.1:
            assert "FLOP" in model.remark, model.name


def test_names_are_unique_and_none_is_lost():
    modules = (until_2022, since_2023, mixtures)
    assert len(MODELS) == sum(len(m.MODELS) for m in modules) >= 160


@pytest.mark.parametrize(
    ("name", "N", "D", "C"),
    [
        ("GPT-3 175B", 174.6e9, 300e9, 3.14e23),
        ("Gopher 280B", 280e9, 300e9, 5.76e23),
        ("Chinchilla 70B", 70e9, 1.4e12, 5.76e23),
        ("PaLM 540B", 540e9, 780e9, 2.53e24),
        ("LLaMA 65B", 65.2e9, 1.4e12, None),
        ("Llama 3.1 405B", 405e9, 15.6e12, 3.8e25),
        ("DeepSeek-V3", 671e9, 14.8e12, None),
        ("Mistral 7B", 7.3e9, None, None),
        ("GPT-4", None, None, 2.1e25),
    ],
)
def test_what_is_printed(name, N, D, C):
    model = MODELS[name]
    assert (model.N.value, model.D.value, model.C.value) == (N, D, C)


def test_what_nobody_disclosed_is_missing_and_a_third_party_is_named():
    assert {MODELS[n].D.standing for n in ("Mistral 7B", "GPT-2 1.5B", "GPT-4")} == {"undisclosed"}
    assert MODELS["GPT-4"].C.standing == "third party"
    assert MODELS["LaMDA 137B"].D.standing == "third party"
    assert "432B" in MODELS["LaMDA 137B"].remark


@given(st.sampled_from(sorted(MODELS)), st.booleans(), st.booleans())
def test_names_are_read_generously(name, lower, plain):
    written = name.lower() if lower else name.upper()
    assert MODELS[name] in published_models(written.replace("-", " ") if plain else written)


def test_a_family_is_a_name_too():
    assert {m.family for m in published_models("pythia")} == {"Pythia"}
    assert len(published_models("GPT-3")) == 8


@pytest.mark.parametrize(
    ("name", "near"),
    [("GTP-3", "GPT-3"), ("Chinchila 70B", "Chinchilla 70B"), ("llamma 2", "Llama 2")],
)
def test_an_unknown_model_is_refused_with_the_nearest(name, near):
    with pytest.raises(UnknownName, match=f"no published model or family .*'{near}'"):
        published_models(name)


# --- verdicts


def verdicts(near=2.0, law=BESIROGLU, **more):
    return {j.model.name: j for j in judge(EVERY, law, near=near, **more)}


def test_verdicts_that_everybody_knows():
    found = verdicts()
    said = {
        "Gopher 280B": "under-trained", "GPT-3 175B": "under-trained", "PaLM 540B": "under-trained",
        "MT-NLG 530B": "under-trained", "Chinchilla 70B": "near", "LLaMA 65B": "near",
        "Cerebras-GPT 6.7B": "near", "LLaMA 7B": "over-trained", "Llama 3 8B": "over-trained",
        "Qwen3 0.6B": "over-trained", "Mistral 7B": "unknown", "GPT-4": "unknown",
    }  # fmt: skip
    assert {name: found[name].verdict for name in said} == said


def test_the_verdict_is_the_ratio_to_the_optimum_of_the_own_compute():
    for j in verdicts(near=3).values():
        if j.best is None:
            assert j.verdict == "unknown"
            assert j.model.ratio is None
            continue
        best = BESIROGLU.law.optimum(j.model.flop)
        assert j.best == pytest.approx(best.D / best.N, rel=1e-9)
        off = j.model.ratio / j.best
        word = "near" if 1 / 3 <= off <= 3 else "under-trained" if off < 1 else "over-trained"
        assert j.verdict == word


def test_what_is_wasted_is_the_compute_that_the_optimum_spares():
    gopher = verdicts()["Gopher 280B"]
    law, C = BESIROGLU.law, gopher.model.flop * (1 - gopher.wasted)
    best = law.optimum(C)
    assert law(N=best.N, D=best.D) == pytest.approx(float(law(N=280e9, D=300e9)), rel=1e-9)
    assert all(j.wasted is None or 0 <= j.wasted < 1 for j in verdicts().values())


def test_a_mixture_is_judged_by_what_a_token_meets():
    v3 = verdicts()["DeepSeek-V3"]
    assert v3.model.flop == 6 * 37e9 * 14.8e12
    assert v3.model.ratio == pytest.approx(400)
    assert v3.verdict == "over-trained"


def test_other_constants_may_disagree_and_are_named():
    found = verdicts()["Chinchilla 70B"]
    assert found.disputed == (("hoffmann2022-tex", "under-trained"),)
    again = verdicts(law=constants("chinchilla/hoffmann2022-tex"))["Chinchilla 70B"]
    assert again.verdict == "under-trained"
    assert ("besiroglu2024", "near") in again.disputed
    assert "hoffmann2022" not in {by for j in verdicts().values() for by, _ in j.disputed}


def test_a_model_beyond_the_law_is_said_to_be():
    found = verdicts()
    assert found["Llama 3.1 405B"].beyond == pytest.approx(15.6e12 / 3.18e11)
    assert found["Pythia 1B"].beyond == 1
    notes = [
        b for b in models(("Llama 3.1",)).blocks if isinstance(b, Remark) and b.kind == "doubt"
    ]
    assert "extrapolations" in notes[0].text


@pytest.fixture(scope="module")
def fitted():
    """Return a fit to runs that Besiroglu's law made, with a little noise."""
    rng = np.random.default_rng(0)
    C, share = np.meshgrid(np.geomspace(1e18, 1e21, 6), np.geomspace(0.2, 5, 7))
    best = BESIROGLU.law.optimum(C.ravel())
    N, D = best.N * share.ravel(), best.D / share.ravel()
    L = BESIROGLU.law(N=N, D=D) * np.exp(0.003 * rng.standard_normal(N.size))
    runs = Runs({"N": N, "D": D, "L": L}, conventions={"N": "total"})
    return fit("chinchilla", runs, draws=200, seed=0)


def test_a_fit_brings_intervals_which_count_in_favour_of_a_model(fitted):
    found = {j.model.name: j for j in judge(EVERY, fitted, near=1.2)}
    for j in found.values():
        if j.best is not None:
            assert j.low < j.best < j.high
            if 1.2 * j.high >= j.model.ratio >= j.low / 1.2:
                assert j.verdict == "near"
    assert found["Gopher 280B"].verdict == "under-trained"
    assert found["Llama 3 8B"].beyond > 100
    assert not any(j.disputed for j in found.values())


def test_a_law_of_other_counts_or_inputs_is_refused():
    with pytest.raises(ConventionMismatch, match="total and N of the law is non-embedding"):
        judge(EVERY, constants("kaplan-joint/kaplan2020"), near=2)
    with pytest.raises(NoOptimum, match="takes"):
        judge(EVERY, constants("power/hoffmann2022-n-of-c"), near=2)
    with pytest.raises(UsageError, match=r"--near is 0\.5; it is a factor"):
        judge(EVERY, BESIROGLU, near=0.5)


# --- the command


def test_the_picture_holds_every_judged_model_and_names_that_fit():
    judged = [j for j in verdicts().values() if j.best is not None]
    figure = sizes_and_tokens(judged, BESIROGLU, near=2)
    clouds = [la for la in figure.layers if isinstance(la, Points)]
    assert sum(c.x.size for c in clouds) == len(judged)
    assert figure.extrapolates_from == 16.2e9
    assert {"Chinchilla 70B", "GPT-3 175B"} <= {name for c in clouds for name in c.labels}


def test_a_fit_draws_its_interval(fitted):
    figure = sizes_and_tokens(judge(EVERY[:20], fitted, near=2)[4:], fitted, near=2)
    assert any("of the draws" in layer.name for layer in figure.layers)


def test_it_can_be_narrowed_and_sorted(capsys):
    found = answer(capsys, "models", "--developer", "meta", "--since", "2024", "--sort", "ratio")
    rows = found["models"]
    assert {r["developer"] for r in rows} == {"Meta"}
    assert min(r["year"] for r in rows) == 2024
    ratios = [r["ratio"] for r in rows]
    assert ratios == sorted(ratios)
    assert found["law"] == "chinchilla/besiroglu2024"
    under = answer(capsys, "models", "--verdict", "under-trained", "--until", "2022")["models"]
    assert {r["verdict"] for r in under} == {"under-trained"}


def test_every_cell_of_the_answer_says_who_says_so(capsys):
    (row,) = answer(capsys, "models", "LaMDA")["models"]
    assert row["D"]["said_by"] == "third party"
    assert "2203.15556" in row["D"]["source"]
    assert row["6ND"] == pytest.approx(1.381e23, rel=1e-3)


def test_a_saved_fit_is_a_law(capsys, tmp_path, fitted):
    path = tmp_path / "fit.json"
    fitted.save(path)
    (row,) = answer(capsys, "models", "Chinchilla", "--law", str(path))["models"]
    assert row["best"]["low"] < row["best"]["value"] < row["best"]["high"]


def test_a_law_of_more_than_size_and_data_takes_what_it_needs(capsys):
    law = ["--law", "muennighoff/muennighoff2023"]
    code, err = refusal(capsys, "models", "Chinchilla", *law)
    assert code == 2
    assert "it needs U: say --inputs U=..." in err
    (row,) = answer(capsys, "models", "Chinchilla", *law, "--inputs", "U=3e11")["models"]
    assert row["best"]["value"] > 20  # parameters in excess fade sooner than repeats


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["GTP-3"], "did you mean 'GPT-3'?"),
        (["--developer", "Metta"], "did you mean 'Meta'?"),
        (["--since", "2030"], "no model is left"),
        (["Chinchilla", "--verdict", "over-trained"], "no model with the verdict over-trained"),
        (["--near", "0.1"], "--near is 0.1"),
        (["--law", "kaplan-joint/kaplan2020"], "of total N, such as chinchilla/besiroglu2024"),
    ],
)
def test_a_mistake_gets_one_sentence(capsys, arguments, sentence):
    code, err = refusal(capsys, "models", *arguments)
    assert code == 2
    assert sentence in err
