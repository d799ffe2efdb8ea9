"""A plan as the configuration of a trainer: what it says is what was planned."""

from __future__ import annotations

import functools
import json
import math
import re
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.accounting import Architecture
from isoflop.errors import UnknownName, UsageError
from isoflop.law import constants
from isoflop.plan import Cost, priced, spend
from isoflop.plan.training.configs import FORMATS, emit, nanochat_shape, torchtitan_multiplier
from isoflop.plan.training.recipe import recipe, rules, suggestions

SET = constants("chinchilla/besiroglu2024")


@functools.cache
def planned(C: float = 1e21):
    return spend(SET, C, cost=priced("FLOP", "H100", 0.4))


def made_for(to: str, C: float = 1e21, **options):
    plan = planned(C)
    own = nanochat_shape(plan) if to == "nanochat" else None
    shape = {"tied": False} if to == "torchtitan" else {}
    return recipe(plan, own, chips=64, chip="H100", shape=shape, **options)


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize("C", [1e20, 1e22])
def test_the_run_is_the_plan(to, C):
    made = made_for(to, C)
    assert made.counted == pytest.approx(made.planned.N.value, rel=0.1)
    assert made.tokens == pytest.approx(made.planned.D.value, rel=0.01)
    assert made.sequences == made.local * made.chips * made.accumulation
    spent = 6 * made.counted * made.tokens
    hours = spent / (0.4 * 989.5e12) / 3600
    assert made.hours.typical == pytest.approx(hours, rel=0.01)
    assert made.days.typical == pytest.approx(hours / 24 / 64, rel=0.01)
    assert emit(made, to)


def test_torchtitan_reads_it_as_toml():
    made = made_for("torchtitan")
    text = emit(made, "torchtitan")
    read = tomllib.loads(text)
    training = read["training"]
    seen = training["steps"] * training["global_batch_size"] * training["seq_len"]
    assert seen == made.tokens
    assert training["global_batch_size"] % (training["local_batch_size"] * 64) == 0
    assert read["optimizer"]["lr"] == pytest.approx(made.lr, rel=1e-3)
    assert read["model"]["flavor"] in text.partition("[job]")[0]
    with pytest.raises(UsageError, match="untied"):
        emit(recipe(planned(), shape={"tied": True}), "torchtitan")


@given(st.integers(1, 80), st.integers(1, 320))
def test_torchtitan_makes_the_feed_forward_width_from_its_two_numbers(heads, blocks):
    """As its FeedForward does: 2/3 of 4 d, times the multiplier, up to a multiple."""
    width, wanted = 128 * heads, 128 * blocks
    multiplier, multiple = torchtitan_multiplier(width, wanted)
    inner = int(multiplier * int(2 * 4 * width / 3))
    assert multiple * ((inner + multiple - 1) // multiple) == wanted


def test_hugging_face_gets_the_fields_of_llama_config():
    made = made_for("hf")
    read = json.loads(emit(made, "hf"))
    a = Architecture(
        layers=read["num_hidden_layers"], width=read["hidden_size"],
        heads=read["num_attention_heads"], kv_heads=read["num_key_value_heads"],
        head_size=read["head_dim"], feed_forward=read["intermediate_size"],
        vocabulary=read["vocab_size"], context=read["max_position_embeddings"],
        tied=read["tie_word_embeddings"],
    )  # fmt: skip
    assert read["model_type"] == "llama"
    assert a.parameters("total") == made.counted
    arguments = read["training_arguments"]
    per_step = arguments["per_device_train_batch_size"] * arguments["gradient_accumulation_steps"]
    assert per_step * 64 == made.sequences
    assert arguments["max_steps"] == made.steps


def test_nanochat_s_dial_is_its_depth():
    text = emit(made_for("nanochat"), "nanochat")
    options = dict(re.findall(r"--([\w-]+)=(\d+)", text))
    made = made_for("nanochat")
    assert int(options["depth"]) == made.architecture.layers
    assert int(options["total-batch-size"]) * int(options["num-iterations"]) == made.tokens
    tokens_on_all = int(options["device-batch-size"]) * int(options["max-seq-len"]) * 64
    assert int(options["total-batch-size"]) % tokens_on_all == 0
    with pytest.raises(UsageError, match="depth"):
        emit(made_for("hf"), "nanochat")


def test_json_holds_the_shape_and_every_rule():
    read = json.loads(emit(made_for("json"), "json"))
    assert {s["rule"] for s in read["rules"]} >= set(rules())
    assert read["D"] == read["steps"] * read["batch_tokens"]
    assert read["shape"]["layers"] > 0


def test_each_rule_is_asked_with_the_n_that_it_counts():
    shape = made_for("hf").architecture
    by = {s.rule: s for s in suggestions(shape, 6e10, 2.3)}
    assert by["step-law2025"].lr == pytest.approx(
        1.79 * shape.parameters("non-embedding") ** -0.713 * 6e10**0.307
    )
    C = shape.parameters("flops-per-token") * 6e10
    assert by["deepseek2024"].lr == pytest.approx(0.3118 * C**-0.125)
    assert by["deepseek2024"].batch == pytest.approx(0.2920 * C**0.3271)
    assert by["minicpm2024"].batch == pytest.approx(1.21e9 / 2.3**6.24)
    assert "minicpm2024" not in {s.rule for s in suggestions(shape, 6e10)}
    rates = [s.lr for s in by.values() if s.lr]
    said = next(n for n in made_for("hf").notes if n.text.startswith("rules disagree"))
    assert f"{max(rates) / min(rates):.1f}-fold on the learning rate" in said.text


def test_what_cannot_be_run_is_refused():
    with pytest.raises(UnknownName, match="step-law2025"):
        recipe(planned(), rule="step-law")
    with pytest.raises(UsageError, match="chips is 0"):
        recipe(planned(), chips=0)
    with pytest.raises(UsageError, match="dense"):
        recipe(spend(SET, 1e21, cost=Cost(active=0.5)))


def test_many_chips_round_the_batch_up_and_say_so():
    made = recipe(planned(1e20), chips=4096)
    assert made.sequences == 4096
    assert any("asks for" in note.text for note in made.notes)
    assert math.isclose(made.tokens, made.planned.D.value, rel_tol=0.01)
