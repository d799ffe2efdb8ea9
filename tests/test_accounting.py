"""Counts are exact where models are published, conversions undo themselves, costs are bounds."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.accounting import (
    FLOP_CONVENTIONS,
    HOFFMANN_FAMILY,
    Accelerators,
    Architecture,
    Latent,
    ModelFamily,
    Workload,
    convert_compute,
    convert_parameters,
    decode_flop,
    hoffmann_flop,
    prefill_flop,
    rates,
    serving_cost,
    serving_memory,
    shape_for,
    training_cost,
    training_flop,
    training_memory,
    utilisation,
)
from isoflop.accounting.conversion import C_CONVENTIONS, N_CONVENTIONS
from isoflop.accounting.serving import Formats
from isoflop.atlas import chip
from isoflop.errors import UnknownName, UsageError
from isoflop.experiments.pretrain.shape import Shape

LLAMA3 = {"vocabulary": 128_256, "context": 8192, "kv_heads": 8}
LLAMA_8B = Architecture(layers=32, width=4096, heads=32, feed_forward=14_336, **LLAMA3)
LLAMA_70B = Architecture(layers=80, width=8192, heads=64, feed_forward=28_672, **LLAMA3)
LLAMA_405B = Architecture(layers=126, width=16_384, heads=128, feed_forward=53_248, **LLAMA3)
GPT = {"gated": False, "biases": True}
GPT2 = Architecture(
    layers=12, width=768, heads=12, feed_forward=3072, vocabulary=50_257, context=1024,
    tied=True, positions="learned", **GPT,
)  # fmt: skip
GPT3 = Architecture(
    layers=96, width=12_288, heads=96, feed_forward=49_152, vocabulary=50_257, context=2048,
    tied=True, positions="learned", **GPT,
)  # fmt: skip
PYTHIA_12B = Architecture(
    layers=36, width=5120, heads=40, feed_forward=20_480, vocabulary=50_688, context=2048, **GPT
)
MIXTRAL = Architecture(
    layers=32, width=4096, heads=32, kv_heads=8, feed_forward=14_336, vocabulary=32_000,
    context=32_768, experts=8, top_k=2,
)  # fmt: skip
DEEPSEEK_V3 = Architecture(
    layers=61, width=7168, heads=128, head_size=128, feed_forward=18_432, vocabulary=129_280,
    context=4096, experts=256, top_k=8, shared_experts=1, expert_feed_forward=2048,
    dense_layers=3, latent=Latent(key_value=512, rotary=64, query=1536),
)  # fmt: skip


@st.composite
def architectures(draw):
    """Draw any decoder that can be built: grouped or not, gated or not, dense or a mixture."""
    groups = draw(st.sampled_from([1, 2, 4, 8]))
    experts = draw(st.sampled_from([0, 4, 16]))
    return Architecture(
        layers=draw(st.integers(1, 64)),
        width=groups * draw(st.integers(1, 512)) * 4,
        heads=groups * 4,
        kv_heads=groups,
        feed_forward=draw(st.integers(1, 8192)),
        vocabulary=draw(st.integers(1, 200_000)),
        context=draw(st.integers(1, 32_768)),
        gated=draw(st.booleans()),
        tied=draw(st.booleans()),
        biases=draw(st.booleans()),
        positions=draw(st.sampled_from(["rotary", "learned", "relative"])),
        experts=experts,
        top_k=min(experts, 2),
    )


class TestParameters:
    @pytest.mark.parametrize(
        ("architecture", "total"),
        [
            (LLAMA_8B, 8_030_261_248),
            (LLAMA_70B, 70_553_706_496),
            (LLAMA_405B, 405_853_388_800),
            (GPT2, 124_439_808),
            (PYTHIA_12B, 11_846_072_320),
            (MIXTRAL, 46_702_792_704),
        ],
        ids=["Llama-3-8B", "Llama-3-70B", "Llama-3.1-405B", "GPT-2", "Pythia-12B", "Mixtral-8x7B"],
    )
    def test_released_weights_are_counted_to_the_last(self, architecture, total):
        assert architecture.parameters("total") == total

    @pytest.mark.parametrize(
        ("architecture", "convention", "printed", "within"),
        [
            (GPT3, "total", 175e9, 0.003),
            (PYTHIA_12B, "non-embedding", 11_327_027_200, 0),
            (MIXTRAL, "active", 12.9e9, 0.003),
            (DEEPSEEK_V3, "total", 671e9, 0.001),
            (DEEPSEEK_V3, "active", 37e9, 0.02),
        ],
    )
    def test_printed_counts_are_met(self, architecture, convention, printed, within):
        assert architecture.parameters(convention) == pytest.approx(printed, rel=within)

    @given(architectures())
    def test_conventions_are_ordered(self, made):
        total, active = made.parameters("total"), made.parameters("active")
        assert active <= total
        assert made.parameters("non-embedding") < total
        assert made.parts.multiplied <= active
        assert (active == total) == (made.experts in (0, made.top_k))

    @given(architectures())
    def test_more_of_anything_holds_more(self, made):
        inner = "expert_feed_forward" if made.experts else "feed_forward"
        for grown in ("layers", "vocabulary", inner):
            more = dataclasses.replace(made, **{grown: getattr(made, grown) + 1})
            assert more.parameters() > made.parameters()

    def test_a_mixture_with_no_choice_is_dense(self):
        one = dataclasses.replace(LLAMA_8B, experts=1, top_k=1)
        router = LLAMA_8B.layers * LLAMA_8B.width
        assert one.parameters() == one.parameters("active") == LLAMA_8B.parameters() + router

    def test_whole_numbers_may_come_as_floats_and_from_numpy(self):
        assert dataclasses.replace(LLAMA_8B, context=4e3).context == 4000
        assert type(dataclasses.replace(LLAMA_8B, context=np.int64(4000)).context) is int

    @pytest.mark.parametrize(
        ("changed", "sentence"),
        [
            ({"layers": 0}, "layers is 0; it must be a whole number from 1 to"),
            ({"width": 4096.5}, "width is 4096.5; it must be a whole number"),
            ({"context": float("nan")}, "context is nan; it must be a whole number"),
            ({"heads": True}, "heads is True; it must be a whole number"),
            ({"kv_heads": 5}, "32 heads cannot share 5 heads .* nearest number .* is 4"),
            ({"heads": 30, "kv_heads": 30, "head_size": None}, "does not split into 30 heads"),
            ({"experts": 8, "top_k": 9}, "top_k = 9 of 8 experts; give 1 to 8"),
            ({"experts": 8}, "top_k = 0 of 8 experts"),
            ({"top_k": 2}, "belong to a mixture; give experts"),
            ({"experts": 8, "top_k": 2, "dense_layers": 40}, "more than the 32 layers"),
            ({"positions": "rotray"}, "did you mean 'rotary'"),
        ],
    )
    def test_shapes_that_cannot_be_built_are_refused(self, changed, sentence):
        with pytest.raises(UsageError, match=sentence):
            dataclasses.replace(LLAMA_8B, **changed)

    def test_unknown_conventions_are_refused(self):
        with pytest.raises(UnknownName, match="no convention of N called 'nonembedding'"):
            LLAMA_8B.parameters("nonembedding")
        with pytest.raises(UnknownName, match="no convention of C called '6DN'"):
            training_flop(LLAMA_8B, 1, "6DN")


class TestFlop:
    def test_the_rule_is_six_n_d(self):
        assert training_flop(LLAMA_8B, 15e12) == 6 * 8_030_261_248 * 15e12
        assert training_flop(MIXTRAL) == 6 * MIXTRAL.parameters("active")

    def test_gpt3_took_what_was_printed(self):
        assert training_flop(GPT3, 300e9) == pytest.approx(3.14e23, rel=0.01)

    @given(st.integers(1, 40), st.integers(1, 32), st.integers(1, 60_000), st.integers(1, 4096))
    def test_the_reference_trainer_counts_alike(self, layers, heads, vocabulary, context):
        shape = Shape(16 * heads, layers, vocabulary, context)
        same = Architecture(
            layers=layers, width=shape.width, heads=heads, feed_forward=shape.hidden,
            vocabulary=vocabulary, context=context, tied=True,
        )  # fmt: skip
        for convention in ("total", "non-embedding"):
            assert same.parameters(convention) == shape.parameters(convention)
        for convention in ("6ND", "6ND-non-embedding", "detailed"):
            assert training_flop(same, 1, convention) == shape.flop_per_token(convention)

    @given(architectures())
    def test_what_is_counted_more_costs_more(self, made):
        cost = {name: training_flop(made, 1, name) for name in FLOP_CONVENTIONS}
        assert cost["6ND-non-embedding"] < cost["6ND"] < cost["palm"]
        assert cost["MD"] < cost["megatron"] < cost["megatron-recomputed"]
        assert cost["detailed"] < cost["megatron"]
        plain = hoffmann_flop(made, causal=True)
        assert plain < cost["hoffmann"] < hoffmann_flop(made, logits=True)
        both = hoffmann_flop(made, logits=True, embeddings=True)
        assert both - hoffmann_flop(made, logits=True) == pytest.approx(
            hoffmann_flop(made, logits=True) - cost["hoffmann"]
        )

    @given(architectures(), st.integers(1, 3000), st.integers(1, 3000))
    def test_generating_is_reading_with_every_logit(self, made, prompt, output):
        head = 2 * made.vocabulary * made.width
        whole = prefill_flop(made, prompt + output)
        parts = prefill_flop(made, prompt) + decode_flop(made, prompt, output)
        assert parts == pytest.approx(whole + output * head, rel=1e-12)

    def test_short_contexts_cost_two_per_weight(self):
        weights = LLAMA_8B.parts.multiplied + LLAMA_8B.parts.head
        assert decode_flop(LLAMA_8B, 0, 1) == pytest.approx(2 * weights, rel=1e-4)

    def test_tokens_may_be_many_at_once(self):
        D = np.array([1e9, 2e9])
        np.testing.assert_allclose(
            training_flop(LLAMA_8B, D), [training_flop(LLAMA_8B, d) for d in D]
        )
        with pytest.raises(UsageError, match="cannot lie below zero"):
            training_flop(LLAMA_8B, -D)


class TestMemory:
    def test_weights_by_bits_and_a_mixture_by_its_total(self):
        assert serving_memory(LLAMA_70B, 0).weights == 2 * 70_553_706_496
        assert serving_memory(MIXTRAL, 0, weights="int4").total == 46_702_792_704 / 2
        assert serving_memory(MIXTRAL, 0, weights=4) == serving_memory(MIXTRAL, 0, weights="fp4")

    def test_cache_per_token(self):
        assert serving_memory(LLAMA_8B, 1).cache == 2 * 2 * 32 * 8 * 128
        assert serving_memory(DEEPSEEK_V3, 1).cache == 2 * 61 * (512 + 64)

    def test_adam_in_mixed_precision_keeps_sixteen_bytes(self):
        kept = training_memory(7.5e9)
        assert (kept.total, kept.optimiser) == (16 * 7.5e9, 12 * 7.5e9)

    def test_bad_precisions_are_refused(self):
        with pytest.raises(UnknownName, match="no precision called 'bf61'; did you mean 'bf16'"):
            serving_memory(LLAMA_8B, 0, weights="bf61")
        with pytest.raises(UsageError, match="bits is 0"):
            training_memory(1e9, weights=0)
        with pytest.raises(UsageError, match="N is -1"):
            training_memory(-1)
        with pytest.raises(UsageError, match="tokens is -1"):
            serving_memory(LLAMA_8B, -1)


families = st.builds(
    ModelFamily,
    vocabulary=st.floats(1, 1e6),
    aspect=st.floats(1, 1e3),
    context=st.floats(1, 1e6),
    tied=st.booleans(),
)
sizes = st.floats(1e2, 1e14)


class TestConversion:
    @given(families, sizes, st.sampled_from(list(itertools.permutations(N_CONVENTIONS, 2))))
    def test_parameters_go_there_and_back(self, family, N, pair):
        there = convert_parameters(N, *pair, family)
        assert convert_parameters(there, *pair[::-1], family) == pytest.approx(N, rel=1e-9)

    @given(families, sizes, st.sampled_from(list(itertools.permutations(C_CONVENTIONS, 2))))
    def test_compute_goes_there_and_back(self, family, N, pair):
        there = convert_compute(1e21, N, *pair, family)
        assert convert_compute(there, N, *pair[::-1], family) == pytest.approx(1e21)

    @given(families, sizes, st.floats(1.001, 10))
    def test_order_is_kept(self, family, N, factor):
        for source, to in itertools.permutations(N_CONVENTIONS, 2):
            small, large = convert_parameters([N, factor * N], source, to, family)
            assert small < large

    @given(families, sizes)
    def test_tables_only_add(self, family, N):
        assert family.non_embedding(N) < N < family.total(N)

    def test_a_family_agrees_with_its_own_architectures(self):
        made = Architecture(
            layers=24, width=2048, heads=16, feed_forward=8192, vocabulary=32_000, context=2048,
            tied=True, gated=False,
        )  # fmt: skip
        family, inner = ModelFamily.of(made), made.parameters("non-embedding")
        assert family.total(inner) == pytest.approx(made.parameters(), rel=2e-4)
        for convention in C_CONVENTIONS:
            counted = training_flop(made, 1, convention)
            assert family.flop_per_token(inner, convention) == pytest.approx(counted, rel=3e-4)

    @pytest.mark.parametrize("tied", [True, False])
    def test_the_head_alone_is_counted_once(self, tied):
        made = Architecture(
            layers=24, width=2048, heads=16, feed_forward=8192, vocabulary=32_000, context=2048,
            tied=tied, gated=False,
        )  # fmt: skip
        inner, headed = made.parameters("non-embedding"), made.parameters("with-head")
        assert headed == inner + 32_000 * 2048
        family = ModelFamily.of(made)
        there = convert_parameters(inner, "non-embedding", "with-head", family)
        assert there == pytest.approx(headed, rel=2e-4)
        assert convert_parameters(there, "with-head", "non-embedding", family) == pytest.approx(
            inner
        )
        assert training_flop(made, 1, "6ND-with-head") == 6 * headed

    def test_columns_keep_their_shape(self):
        N = np.geomspace(1e7, 1e10, 6).reshape(2, 3)
        assert convert_parameters(N, "total", "non-embedding", HOFFMANN_FAMILY).shape == (2, 3)
        total = HOFFMANN_FAMILY.total(N)
        by_rule = convert_compute(
            6 * total * 1e9, total, "6ND", "6ND-non-embedding", HOFFMANN_FAMILY
        )
        np.testing.assert_allclose(by_rule, 6 * N * 1e9)

    @pytest.mark.parametrize(
        ("call", "sentence"),
        [
            (lambda f: f.total([1e9, -1]), "N is -1 at position 1"),
            (lambda f: f.non_embedding(0), "N is 0; it must be finite and above zero"),
            (lambda f: convert_parameters(1e9, "total", "active", f), "depend on the experts"),
            (lambda f: convert_parameters(1e9, "totl", "total", f), "did you mean 'total'"),
            (lambda f: convert_compute(1e20, 1e9, "6ND", "palm", f), "called 'palm'"),
            (lambda f: convert_parameters(1e9, "total", "flops-per-token", f), "give context"),
            (lambda f: ModelFamily(0, 40), "vocabulary is 0"),
        ],
    )
    def test_what_cannot_be_converted_is_refused(self, call, sentence):
        with pytest.raises(UsageError, match=sentence):
            call(ModelFamily(32_000, 40))


class TestShape:
    @given(st.floats(7, 12))
    def test_from_ten_million_on_shapes_come_close(self, log_N):
        made = shape_for(10**log_N)
        assert abs(made.error) < 0.03
        assert made.realised == made.total == made.architecture.parameters()

    @given(st.floats(4.5, 12), st.sampled_from(["non-embedding", "flops-per-token", "active"]))
    def test_every_convention_can_be_asked_for(self, log_N, convention):
        made = shape_for(6 * 10**log_N, convention, vocabulary=256, context=128)
        assert abs(made.error) < (0.03 if log_N > 7 else 0.15)
        assert made.realised == made.architecture.parameters(convention)

    @given(st.floats(8, 12))
    def test_hardware_likes_them(self, log_N):
        made = shape_for(10**log_N).architecture
        assert 64 <= made.aspect <= 128
        assert made.head_size in (64, 128)
        assert made.feed_forward % 64 == 0
        assert 2 <= made.feed_forward / made.width <= 4
        assert made.heads <= 8 or made.kv_heads < made.heads

    def test_the_usual_seven_billion(self):
        made = shape_for(6.74e9).architecture
        assert (made.width, made.head_size, made.tied) == (4096, 128, False)

    def test_other_proportions_can_be_asked_for(self):
        made = shape_for(1e8, aspect=(8, 12), tied=False)
        assert 8 <= made.architecture.aspect <= 12
        assert made.architecture.parts.head > 0
        assert any("untied" in note.text for note in made.notes)

    def test_what_gives_way_is_said(self):
        made = shape_for(1e7, aspect=(900, 1000))
        assert any("width over layers" in note.text for note in made.notes)

    @pytest.mark.parametrize(
        ("call", "sentence"),
        [
            (lambda: shape_for(1e4), "nearest holds 2.*ask for that, for a smaller vocabulary"),
            (lambda: shape_for(0), "N is 0; it must be finite and above zero"),
            (lambda: shape_for(1e9, "nonembedding"), "did you mean 'non-embedding'"),
            (lambda: shape_for(1e9, aspect=(128, 64)), "the least and the greatest width"),
            (lambda: shape_for(1e9, vocabulary=-5), "vocabulary is -5"),
        ],
    )
    def test_what_cannot_be_shaped_is_refused(self, call, sentence):
        with pytest.raises(UsageError, match=sentence):
            call()


class TestTrainingCost:
    @pytest.mark.parametrize(
        ("C", "on", "hours", "reached"),
        [
            (6 * 37e9 * 14.8e12, "H800", 2.664e6, 0.346),
            (3.8e25, "H100", 30.84e6, 0.346),
            (6 * 12e9 * 300e9, "A100", 72_300, 0.266),
        ],
        ids=["DeepSeek-V3", "Llama-3.1-405B", "Pythia-12B"],
    )
    def test_reported_hours_give_their_utilisation(self, C, on, hours, reached):
        assert utilisation(C, on, hours) == pytest.approx(reached, abs=5e-4)

    def test_deepseek_v3_cost_what_was_printed(self):
        C, hours = 6 * 37e9 * 14.8e12, 2.788e6
        cost = training_cost(C, Accelerators("H800", count=2048), utilisation(C, "H800", hours))
        assert cost.hours.exact
        assert cost.money.typical == pytest.approx(5.576e6)
        assert cost.days.typical == pytest.approx(hours / 2048 / 24)

    def test_ranges_give_ranges(self):
        cost = training_cost(1e24, chip("H100").with_price((2, 4)), (0.3, 0.4, 0.5))
        by_hand = [1e24 / (mfu * 989.5e12) / 3600 for mfu in (0.5, 0.4, 0.3)]
        hours = [cost.hours.low, cost.hours.typical, cost.hours.high]
        assert hours == pytest.approx(by_hand)
        assert cost.money.low == pytest.approx(2 * by_hand[0])
        assert cost.money.high == pytest.approx(4 * by_hand[2])

    def test_energy_is_hours_times_power_times_load_times_overhead(self):
        cost = training_cost(1e22, Accelerators("A100", load=0.8, overhead=(1.1, 1.5)), 0.4)
        assert cost.energy.low == pytest.approx(cost.hours.low * 0.4 * 0.8 * 1.1)
        assert cost.energy.high == pytest.approx(cost.hours.high * 0.4 * 0.8 * 1.5)

    def test_what_is_not_known_is_left_out_and_said(self):
        cost = training_cost(1e22, "B200", 0.4)
        assert cost.money is None
        assert any("no price of B200" in note.text for note in cost.notes)
        assert rates("TPU-v5p", 0.4).energy is None

    @given(st.floats(1e15, 1e27), st.floats(0.01, 1))
    def test_cost_and_utilisation_agree(self, C, share):
        cost = training_cost(C, "H100", share)
        assert utilisation(C, "H100", cost.hours.typical * 1.0000001) == pytest.approx(share)
        assert (rates("H100", share).money * C).typical == pytest.approx(cost.money.typical)

    @pytest.mark.parametrize(
        ("call", "sentence"),
        [
            (lambda: training_cost(1e22, "H100", 40), "share of the peak, so write 0.4 for 40%"),
            (lambda: training_cost(1e22, "H100", 0), "utilisation is 0"),
            (lambda: training_cost(-1, "H100", 0.4), "C is -1"),
            (lambda: training_cost(1e22, Accelerators("H100", count=0), 0.4), "chips is 0"),
            (lambda: training_cost(1e22, "H101", 0.4), "no chip called 'H101'"),
            (
                lambda: training_cost(1e22, Accelerators("A100", precision="fp8"), 0.4),
                "no precision of A100",
            ),
            (lambda: utilisation(1e25, "A100", 10), "times its bf16 peak; it takes at least"),
            (lambda: utilisation(1e25, "A100", 0), "hours is 0"),
        ],
    )
    def test_what_cannot_be_costed_is_refused(self, call, sentence):
        with pytest.raises(UsageError, match=sentence):
            call()


class TestServingCost:
    def serve(self, architecture=LLAMA_8B, prompt=1000, output=200, batch=1, count=1, **formats):
        return serving_cost(
            architecture,
            Accelerators("H100", count),
            Workload(prompt, output, batch),
            compute=0.5,
            bandwidth=0.8,
            formats=Formats(**formats),
        )

    def test_one_request_at_a_time_is_bound_by_bandwidth(self):
        cost = self.serve()
        read = 2 * (8_030_261_248 - 128_256 * 4096) + 1100 * 2 * 2 * 32 * 8 * 128
        assert cost.bound == "bandwidth"
        assert cost.per_token.typical == pytest.approx(read / (0.8 * 3.35e12))
        assert cost.utilisation.typical < 0.01

    def test_reading_is_bound_by_compute(self):
        cost = self.serve()
        assert cost.first_token.typical == pytest.approx(
            prefill_flop(LLAMA_8B, 1000) / (0.5 * 989.5e12)
        )

    def test_many_at_once_are_cheaper_until_compute_binds(self):
        costs = [self.serve(prompt=10, output=10, batch=b) for b in (1, 8, 64, 512, 4096)]
        prices = [c.output_money.typical for c in costs]
        assert prices == sorted(prices, reverse=True)
        assert [costs[0].bound, costs[-1].bound] == ["bandwidth", "compute"]
        assert costs[-1].utilisation.typical == pytest.approx(0.5)

    def test_a_mixture_reads_what_its_batch_meets(self):
        alone, crowd = (self.serve(MIXTRAL, count=2, batch=b) for b in (1, 64))
        bytes_alone = alone.per_token.typical * 0.8 * 2 * 3.35e12
        cache = 1100 * 2 * 2 * 32 * 8 * 128
        active = MIXTRAL.parameters("active") - MIXTRAL.parts.embedding
        assert bytes_alone == pytest.approx(2 * active + cache)
        bytes_crowd = crowd.per_token.typical * 0.8 * 2 * 3.35e12
        everything = MIXTRAL.parameters() - MIXTRAL.parts.embedding
        assert bytes_crowd == pytest.approx(2 * everything + 64 * cache, rel=1e-3)

    def test_fewer_bits_are_faster(self):
        assert self.serve(weights="int4").per_token.high < 0.3 * self.serve().per_token.low * 1.05

    def test_request_energy_is_of_both_parts(self):
        cost = self.serve()
        seconds = 1000 * cost.input_seconds.typical + 200 * cost.output_seconds.typical
        assert cost.energy.typical == pytest.approx(seconds * 700 / 3.6e6)

    def test_what_does_not_fit_is_refused_with_what_would(self):
        with pytest.raises(UsageError, match="1 x H100 hold 80 GB; give 2 chips, or fewer bits"):
            self.serve(LLAMA_70B)
        assert self.serve(LLAMA_70B, count=2).memory.total < 160e9
        with pytest.raises(UsageError, match="a batch of") as refused:
            self.serve(batch=1000)
        batch = int(str(refused.value).split("a batch of ")[1].split(",")[0])
        assert self.serve(batch=batch).memory.total <= 80e9
        with pytest.raises(UsageError, match="GB"):
            self.serve(batch=batch + 1)

    @pytest.mark.parametrize("name", ["prompt", "output", "batch", "count"])
    def test_numbers_below_one_are_refused(self, name):
        with pytest.raises(UsageError, match=f"{name} is 0"):
            self.serve(**{name: 0})
        assert math.isfinite(self.serve().energy.high)


def test_samples_share_the_prompt_and_a_verifier_reads_everything():
    from isoflop.accounting.flop import decode_flop, prefill_flop
    from isoflop.accounting.sampling import sampling_flop, sampling_price

    a = GPT2
    cost = sampling_flop(a, 100, 50, 8, verifier=a)
    assert cost.prompt == prefill_flop(a, 100)
    assert cost.generation == 8 * decode_flop(a, 100, 50)
    assert cost.verification == 8 * prefill_flop(a, 150)
    assert cost.total < 8 * sampling_flop(a, 100, 50, verifier=a).total
    assert sampling_price(1000, 200, 5, read=1.0, written=10.0) == pytest.approx(0.011)
    assert sampling_price(1000, 200, 5, read=1.0, written=10.0, shared=False) > 0.011
    for wrong in ((0, 50, 1), (100, 50, 0)):
        with pytest.raises(UsageError):
            sampling_flop(a, *wrong)
