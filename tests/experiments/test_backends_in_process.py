"""Models in this process: the small transformer, and one of Hugging Face made on the spot."""

from __future__ import annotations

import asyncio
import importlib.util
import json

import pytest

pytest.importorskip("torch")

from isoflop.cli import main
from isoflop.errors import EnvironmentFailure
from isoflop.experiments.sampling.embedded import Embedded, chains
from isoflop.experiments.sampling.messages import Drawing, Request, TextProblem
from isoflop.samples.bank import SampleBank


@pytest.mark.training
def test_the_small_transformer_fills_a_bank_and_goes_on_where_it_was(tmp_path, capsys, monkeypatch):
    # It is taught here, by this processor.
    monkeypatch.setenv("ISOFLOP_CACHE", str(tmp_path / "cache"))
    folder = str(tmp_path / "bank")
    line = ["testtime", "sample", folder, "--n", "20", "--json"]
    assert main([*line, "--problems", "5", "--samples", "30"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert (first["new"], first["had"]) == (150, 0)
    assert main([*line, "--problems", "6", "--samples", "40"]) == 0
    second = json.loads(capsys.readouterr().out)
    assert (second["new"], second["had"]) == (90, 150)
    samples = SampleBank.open(folder).load(verifiers=("logprob",), answers=True)
    assert len(samples) == 240
    assert 0 < samples.correct.mean() < 1
    assert (samples.scores["logprob"] < 0).all()
    assert (samples.cost["flop"] > 0).all()
    assert (samples.cost["prompt_flop"] > 0).all()
    right = {p.name: p.answer for p in chains(6, 0)[0].problems}
    answers = [samples.answers[i] if i >= 0 else None for i in samples.answer]
    for i, name in enumerate(samples.problems):
        rows = range(len(samples))[samples.rows(i)]
        assert [answers[r] == right[name] for r in rows] == samples.correct[
            samples.rows(i)
        ].tolist()


def test_a_chain_that_does_not_end_has_no_answer():
    made, rows = chains(1, 0)
    problem = made.problems[0]
    assert made.verdict(problem, f"3 {problem.answer} .") == (problem.answer, True)
    assert made.verdict(problem, f"3 {problem.answer}") == (None, False)
    backend, request = Embedded(rows), Request(problem, tuple(range(4)), 5)
    one, two = (asyncio.run(backend.answer(request)).responses for _ in range(2))
    assert one == two


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Return the folder of a model with random weights, whose tokens are characters."""
    if importlib.util.find_spec("transformers") is None:
        pytest.skip("needs transformers, the extra hf")
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny")
    vocabulary = {c: i for i, c in enumerate(["<e>", "<u>", *"0123456789+=ab"])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<u>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<e>", unk_token="<u>")
    fast.save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=16, hidden_size=8, intermediate_size=16, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=2, eos_token_id=0, bos_token_id=0,
        tie_word_embeddings=True,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def test_a_model_of_hugging_face_thinks_as_long_as_it_may(tiny):
    from isoflop.experiments.sampling.budget_forcing import BudgetForcedBackend, BudgetForcing
    from isoflop.experiments.sampling.huggingface import HuggingFace
    from isoflop.experiments.testtime import TokenBudget

    inner = HuggingFace(str(tiny), Drawing(1.0, 4))
    backend = BudgetForcedBackend(inner, BudgetForcing(TokenBudget(tokens=6), end="=="))
    backend.load()
    found = asyncio.run(backend.answer(Request(TextProblem("p", "1+2", ""), (0, 1, 2), 3)))
    for response in found.responses:
        thought, end, _ = response.text.partition("==")
        assert end
        assert len(thought.split()) <= 6
        assert response.tokens <= 6 + 4
        assert response.flop > 0


def test_a_model_of_hugging_face_is_sampled_cut_and_costed(tiny):
    from isoflop.experiments.sampling.huggingface import HuggingFace

    backend = HuggingFace(str(tiny), Drawing(1.0, 12, ("+",)))
    backend.load()
    request = Request(TextProblem("p", "12+3="), tuple(range(16)), 7)
    one, two = (asyncio.run(backend.answer(request)) for _ in range(2))
    assert one.responses == two.responses
    assert len({r.text for r in one.responses}) > 4
    assert not any("+" in r.text for r in one.responses)
    assert one.prompt_tokens == 5
    matrices = 2 * (4 * 8 * 8 + 3 * 8 * 16) + 16 * 8  # blocks and head
    for r in one.responses:
        keys = r.tokens * 5 + r.tokens * (r.tokens + 1) / 2
        gains = 5 * 8  # transformers counts them as parameters
        assert r.flop == 2 * (matrices + gains) * r.tokens + 4 * 2 * 8 * keys
        assert len(r.text.replace(" ", "")) <= r.tokens <= 12


def test_a_shared_prompt_is_the_same_prompt(tiny):
    from isoflop.experiments.sampling.huggingface import HuggingFace

    backend = HuggingFace(str(tiny), Drawing(1e-6, 8))
    request = Request(TextProblem("p", "12+3="), (0, 1, 2), 7)
    (said,) = {r.text for r in asyncio.run(backend.answer(request)).responses}
    tokenizer, network = backend.loaded
    prompt = tokenizer("12+3=", return_tensors="pt")["input_ids"]
    alone = network.generate(prompt, do_sample=False, max_new_tokens=8, pad_token_id=0)[0, 5:]
    assert said == tokenizer.decode(alone, skip_special_tokens=True)


def test_a_model_that_is_not_there_is_said(tmp_path, monkeypatch):
    if importlib.util.find_spec("transformers") is None:
        pytest.skip("needs transformers, the extra hf")
    from isoflop.experiments.sampling.huggingface import HuggingFace

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(EnvironmentFailure, match="cannot load"):
        HuggingFace(str(tmp_path / "none"), Drawing()).load()
