"""Pretraining: counts are exact, runs are repeatable to the bit, and a sweep costs what it says."""

from __future__ import annotations

import contextlib
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from isoflop.errors import BadRuns, UnknownName, UsageError
from isoflop.experiments.folder import TrialFolder
from isoflop.experiments.pretrain import corpus as text
from isoflop.experiments.pretrain.recipe import TrainingRecipe
from isoflop.experiments.pretrain.shape import Shape
from isoflop.experiments.pretrain.sweep import PRESETS, Pretrain, budgets

torch = pytest.importorskip("torch")

from isoflop.experiments.pretrain import precision as choice  # noqa: E402
from isoflop.experiments.pretrain.gpt import GPT  # noqa: E402
from isoflop.experiments.pretrain.passes import CrossEntropy, turns  # noqa: E402
from isoflop.experiments.pretrain.precision import products  # noqa: E402
from isoflop.experiments.pretrain.train import (  # noqa: E402
    ModelTrainer,
    TrainerOptions,
    sequences_at_once,
    train,
)

pytestmark = pytest.mark.training

SMALL = Shape(width=16, layers=2, context=32, head=8)
QUICK = TrainingRecipe(batch=128, ramp=1_024, largest=512, warmup=512)
POINTS = (2_048, 4_096, 8_192)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Keep to one thread: the order of a sum is part of a result."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def words(tmp_path_factory) -> Path:
    """Return a folder of forty files of made-up sentences, two of them the same."""
    folder = tmp_path_factory.mktemp("words")
    draw = np.random.default_rng(0)
    for i in range(40):
        said = draw.choice(["red", "green", "blue", "and", "so"], 300)
        (folder / f"{i:02}.txt").write_text(f"{i:02}: " + " ".join(said))
    (folder / "copy.txt").write_text((folder / "07.txt").read_text())
    return folder


@pytest.fixture(scope="module")
def small(words, tmp_path_factory) -> text.Corpus:
    return text.load(words, cache=tmp_path_factory.mktemp("cache"), held_out=0.1)


# ---- what a shape holds and costs -------------------------------------------------------------


@pytest.mark.parametrize(
    "shape",
    [SMALL, Shape(24, 3, head=12), Shape(48, 2, vocabulary=512, head=16), Shape(64, 1, head=64)],
)
def test_parameters_are_those_of_the_model(shape):
    model = GPT(shape)
    total = sum(p.numel() for p in model.parameters())
    assert shape.parameters("total") == total
    assert shape.parameters("non-embedding") == total - model.embedding.weight.numel()


def test_flop_equal_a_count_by_hand():
    # One layer of width 16: q, k, v, o are 16 x 16; hidden is 48, so up, gate, down 16 x 48 each.
    shape = Shape(width=16, layers=1, vocabulary=256, context=128, head=16)
    matrices = 4 * 256 + 3 * 16 * 48
    head = 16 * 256
    gains = 3 * 16
    # Forward, scores and mixing: 2 FLOP x 16 channels x 64 keys on average, twice; three times
    # that with the backward pass.
    attention = 3 * 2 * (2 * 16 * 64)
    assert shape.flop_per_token("detailed") == 6 * (matrices + head) + attention
    assert shape.flop_per_token("6ND") == 6 * (matrices + head + gains)
    assert shape.flop_per_token("6ND-non-embedding") == 6 * (matrices + gains)


def test_an_unknown_convention_names_the_near_one():
    with pytest.raises(UnknownName, match="non-embedding"):
        SMALL.parameters("nonembedding")
    with pytest.raises(UnknownName, match="detailed"):
        SMALL.flop_per_token("detail")


@pytest.mark.parametrize(("width", "head"), [(20, 16), (16, 5), (0, 8)])
def test_a_shape_that_cannot_be_built_is_refused(width, head):
    with pytest.raises(UsageError):
        Shape(width=width, layers=2, head=head)


def test_the_model_sees_no_future():
    model = GPT(SMALL)
    tokens = torch.arange(32)[None]
    changed = tokens.clone()
    changed[0, 20:] = 7
    torch.testing.assert_close(model(tokens)[:, :20], model(changed)[:, :20])
    assert not torch.allclose(model(tokens)[:, 20], model(changed)[:, 20])


def test_an_untrained_model_knows_nothing():
    window = torch.randint(0, 256, (8, 33), generator=torch.Generator().manual_seed(0))
    assert GPT(SMALL).loss(window).item() == pytest.approx(math.log(256), rel=0.15)


def test_hidden_rates_fall_as_the_width():
    scales = [GPT(Shape(w, 1, head=16)).rates()[0]["scale"] for w in (32, 64)]
    assert scales == [2.0, 1.0]
    model = GPT(SMALL)
    grouped = [p for group in model.rates() for p in group["params"]]
    assert sorted(map(id, grouped)) == sorted(map(id, model.parameters()))


# ---- the text ---------------------------------------------------------------------------------


def test_the_corpus_is_the_same_twice_and_from_the_cache(words, tmp_path):
    first = text.load(words, cache=tmp_path)
    again = text.load(words, cache=tmp_path)
    fresh = text.load(words, cache=tmp_path / "other")
    assert isinstance(again.train, np.memmap)
    for other in (again, fresh):
        assert other.digest == first.digest
        np.testing.assert_array_equal(other.train, first.train)
        np.testing.assert_array_equal(other.held_out, first.held_out)


def test_held_out_files_are_never_trained_on(words, small):
    train = bytes(small.train).split(b"\0")
    kept = bytes(small.held_out).split(b"\0")
    assert not set(train) & set(kept)
    files = {p.read_bytes() for p in words.iterdir()}
    assert set(train) | set(kept) == files
    assert len(train) + len(kept) == 40  # the copy went
    assert 0.05 < len(small.held_out) / (len(small.train) + len(small.held_out)) < 0.2


def test_other_content_has_another_digest(words, tmp_path):
    before = text.load(words, cache=tmp_path).digest
    other = tmp_path / "words"
    other.mkdir()
    for path in words.iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    assert text.load(other, cache=tmp_path).digest == before
    (other / "00.txt").write_text("x" * 500)
    assert text.load(other, cache=tmp_path).digest != before


def test_a_cache_that_cannot_be_written_is_done_without(words, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    made = text.load(words, cache=blocked)
    assert len(made) > 1_000


def test_a_torn_cache_is_made_again(words, tmp_path):
    first = np.array(text.load(words, cache=tmp_path).train)
    (folder,) = tmp_path.iterdir()
    (folder / "train.npy").write_bytes(b"torn")
    for _ in range(2):
        again = text.load(words, cache=tmp_path)
        np.testing.assert_array_equal(again.train, first)
    assert isinstance(again.train, np.memmap)


def test_byte_pairs_say_how_many_bytes_a_token_is(words, tmp_path):
    pytest.importorskip("tokenizers")
    made = text.load(words, vocabulary=300, cache=tmp_path)
    plain = text.load(words, cache=tmp_path)
    assert made.vocabulary == 300
    assert made.bytes_per_token > 1.5
    assert int(made.train.max()) < 300
    assert made.bytes_per_token * len(made.held_out) == pytest.approx(len(plain.held_out), rel=0.01)


def test_windows_cover_the_text_once(small):
    starts = text.windows(small, 32, seed=3)
    assert len(set(starts.tolist())) == len(starts) == (len(small) - 1) // 32
    assert (starts % 32 == 0).all()
    assert (text.windows(small, 32, seed=4) != starts).any()


def test_text_that_is_not_there_or_too_little_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no text"):
        text.load(tmp_path / "nowhere", cache=tmp_path)
    with pytest.raises(BadRuns, match="0 files"):
        text.load(tmp_path, cache=tmp_path / "c")


# ---- training ---------------------------------------------------------------------------------


def losses(corpus, folder, recipe=QUICK, seed=0, points=POINTS, **options):
    folder.mkdir(exist_ok=True)
    how = TrainerOptions(seed=seed, evaluation=1_024, **options)
    return train(SMALL, recipe, points, corpus, TrialFolder(folder), how).points


def test_the_loss_falls_and_the_seed_decides(small, tmp_path):
    first = losses(small, tmp_path / "a")
    assert [p.tokens for p in first] == sorted(p.tokens for p in first)
    assert first[0].loss > first[1].loss > first[2].loss
    assert losses(small, tmp_path / "b") == first
    assert losses(small, tmp_path / "c", seed=1) != first


class Killed(Exception):
    """Stands for the end of the process."""


@pytest.mark.parametrize("schedule", ["constant-average", "wsd"])
def test_an_interrupted_run_gives_the_same_bits(small, tmp_path, monkeypatch, schedule):
    recipe = replace(QUICK, schedule=schedule)
    whole = losses(small, tmp_path / "whole", recipe)
    step = ModelTrainer.step

    def die_after(count):
        left = [count]

        def counted(self, *arguments):
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            step(self, *arguments)

        monkeypatch.setattr(ModelTrainer, "step", counted)

    for count in (11, 9, 17, 10_000):
        die_after(count)
        try:
            resumed = losses(small, tmp_path / "cut", recipe, keep_every=0.0)
        except Killed:
            continue
    assert resumed == whole
    assert [m["L"] for m in TrialFolder(tmp_path / "cut").metrics()] == [p.loss for p in whole]


def test_points_of_one_run_are_those_of_shorter_runs(small, tmp_path):
    long = losses(small, tmp_path / "long")
    short = losses(small, tmp_path / "short", points=POINTS[:2])
    assert long[:2] == short


def test_averaged_weights_equal_the_explicit_average(small):
    learner = ModelTrainer(SMALL, QUICK, small, seed=0, device="cpu")
    weights, ends = [], [0]
    for _ in range(40):
        learner.step()
        weights.append([p.detach().double().clone() for p in learner.model.parameters()])
        ends.append(learner.tokens)
    profile = (np.array(ends) / ends[-1]) ** (1 / QUICK.window)
    shares = np.diff(profile)
    assert shares.sum() == pytest.approx(1.0)
    assert shares[np.array(ends[1:]) > 0.8 * ends[-1]].sum() > 0.85
    for i, averaged in enumerate(learner.average):
        explicit = sum(s * w[i] for s, w in zip(shares, weights, strict=True))
        torch.testing.assert_close(averaged.double(), explicit, rtol=1e-4, atol=1e-6)


def test_scoring_leaves_the_weights_alone(small):
    learner = ModelTrainer(SMALL, QUICK, small, seed=0, device="cpu")
    for _ in range(5):
        learner.step()
    before = [p.detach().clone() for p in learner.model.parameters()]
    windows = text.held_out_windows(small, SMALL.context, 512)
    assert learner.score(windows, averaged=True) != learner.score(windows, averaged=False)
    for parameter, value in zip(learner.model.parameters(), before, strict=True):
        assert torch.equal(parameter, value)


def test_a_batch_in_parts_is_the_batch(small):
    one, two = (ModelTrainer(SMALL, QUICK, small, seed=0, device="cpu") for _ in range(2))
    two.micro = 1
    for _ in range(3):
        one.step()
        two.step()
    for a, b in zip(one.model.parameters(), two.model.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)


def test_a_text_is_never_repeated(small, tmp_path):
    with pytest.raises(UsageError, match="without a repeat"):
        losses(small, tmp_path, points=(len(small),))


def plain_block(x, block, head):
    """Return what a block makes of x (b, t, w), written as the papers have it; no kernel shared."""
    b, t, w = x.shape
    speed = SMALL.context ** (-torch.arange(0, head, 2, dtype=x.dtype) / head)
    angle = torch.arange(t)[:, None] * speed

    def norm(x, gain):
        return x / (x.square().mean(-1, keepdim=True) + torch.finfo(x.dtype).eps).sqrt() * gain

    def turned(x):
        left, right = x.chunk(2, -1)
        return torch.cat(
            (left * angle.cos() - right * angle.sin(), left * angle.sin() + right * angle.cos()), -1
        )

    def heads(x):
        return x.view(b, t, w // head, head).transpose(1, 2)

    q, k, v = map(heads, (norm(x, block.norm_attention.gain) @ block.qkv.weight.T).split(w, -1))
    scores = turned(q) @ turned(k).transpose(2, 3) / head**0.5
    hidden = torch.ones(t, t, dtype=torch.bool).triu(1)
    y = scores.masked_fill(hidden, -torch.inf).softmax(-1) @ v
    x = x + y.transpose(1, 2).reshape(b, t, w) @ block.mix.weight.T
    gate, value = (norm(x, block.norm_mlp.gain) @ block.up.weight.T).chunk(2, -1)
    return x + (gate * gate.sigmoid() * value) @ block.down.weight.T


def test_gradients_by_hand_are_those_of_the_formula():
    block = GPT(SMALL, seed=3).double().blocks[0]
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(3, 9, SMALL.width, generator=draw, dtype=torch.float64, requires_grad=True)
    slope = torch.randn(3, 9, SMALL.width, generator=draw, dtype=torch.float64)
    with torch.no_grad():
        for gain in (block.norm_attention.gain, block.norm_mlp.gain):
            gain += 0.3 * torch.randn(SMALL.width, generator=draw, dtype=torch.float64)
    turn = turns(SMALL.width, SMALL.head, SMALL.context).to(torch.complex128)
    inputs = (x, *block.parameters())
    own, formula = block(x, turn[:9]), plain_block(x, block, SMALL.head)
    torch.testing.assert_close(own, formula, rtol=1e-6, atol=1e-6)  # the table is float32
    slopes = (torch.autograd.grad(y, inputs, slope) for y in (own, formula))
    for ours, theirs in zip(*slopes, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-6)


def test_the_last_norm_has_the_gradients_of_pytorchs():
    norm = GPT(SMALL).norm.double()
    x = torch.randn(2, 5, SMALL.width, dtype=torch.float64, requires_grad=True)
    slope = torch.randn(2, 5, SMALL.width, dtype=torch.float64)
    own, theirs = norm(x), torch.nn.functional.rms_norm(x, (SMALL.width,), norm.gain)
    torch.testing.assert_close(own, theirs)
    slopes = (torch.autograd.grad(y, (x, norm.gain), slope) for y in (own, theirs))
    for ours, others in zip(*slopes, strict=True):
        torch.testing.assert_close(ours, others)


def test_the_loss_is_the_cross_entropy_and_finite_where_a_probability_is_none():
    draw = torch.Generator().manual_seed(0)
    logits = torch.randn(7, 11, generator=draw, dtype=torch.float64, requires_grad=True)
    targets = torch.arange(7)
    own, theirs = (
        CrossEntropy.apply(logits, targets),
        torch.nn.functional.cross_entropy(logits, targets),
    )
    torch.testing.assert_close(own, theirs)
    slopes = (torch.autograd.grad(3 * y, logits)[0] for y in (own, theirs))
    torch.testing.assert_close(*slopes)
    apart = torch.tensor([[0.0, 1e4]], requires_grad=True)
    worst = CrossEntropy.apply(apart, torch.tensor([0]))
    assert 80 < worst.item() < 1e4
    torch.testing.assert_close(torch.autograd.grad(worst, apart)[0], torch.tensor([[-1.0, 1.0]]))


def test_a_small_model_takes_more_sequences_at_once():
    wide, narrow = (sequences_at_once(Shape(w, 4), "cpu") for w in (1_024, 64))
    assert 1 <= wide < narrow
    assert sequences_at_once(Shape(16, 1, context=10**7), "cpu") == 1
    assert sequences_at_once(SMALL, "cuda:0") > 10**6


def test_products_in_bfloat16_leave_weights_and_stream_in_float32():
    model = GPT(SMALL)
    window = torch.arange(2 * 33).view(2, 33)
    with products("bfloat16", "cpu"):
        stream = model.stream(model.embed(window[:, :-1]))
        assert model.logits(stream).dtype == torch.bfloat16
        loss = model.loss(window)
    loss.backward()
    assert stream.dtype == torch.float32
    exact = GPT(SMALL)
    exact.loss(window).backward()
    for short, whole in zip(model.parameters(), exact.parameters(), strict=True):
        assert short.grad.dtype == torch.float32
        assert (short.grad - whole.grad).norm() < 0.05 * whole.grad.norm()


# ---- the number format ------------------------------------------------------------------------


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Return a setter of what a step takes in float32 and in bfloat16 [s]; nothing is cached."""
    monkeypatch.setenv("ISOFLOP_CACHE", str(tmp_path / "cache"))
    measured = []

    def takes(plain, short):
        choice._of_this_processor.cache_clear()
        monkeypatch.setattr(choice, "_seconds", lambda: measured.append(1) or (plain, short))
        return measured

    yield takes
    choice._of_this_processor.cache_clear()


@pytest.mark.parametrize(
    ("plain", "short", "expected"),
    [(1.0, 20.0, "float32"), (1.0, 0.95, "float32"), (1.0, 0.3, "bfloat16")],
)
def test_a_processor_without_units_for_bfloat16_trains_in_float32(machine, plain, short, expected):
    machine(plain, short)
    assert choice.precision(512, "cpu") == expected
    assert choice.precision(64, "cpu") == "float32"  # casts would cost more than products save


def test_a_machine_is_measured_once(machine, tmp_path):
    measured = machine(1.0, 0.3)
    assert choice.precision(256, "cpu") == choice.precision(1_024, "cpu") == "bfloat16"
    machine(1.0, 20.0)  # another process: it reads what the first found
    assert choice.precision(256, "cpu") == "bfloat16"
    assert len(measured) == 1
    (file,) = (tmp_path / "cache").iterdir()
    file.write_text("torn")
    choice._of_this_processor.cache_clear()
    assert choice.precision(256, "cpu") == "float32"


def test_other_instructions_are_another_machine(machine, monkeypatch):
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)  # `make test-processors` sets it
    machine(1.0, 0.3)
    assert choice.precision(256, "cpu") == "bfloat16"
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    machine(1.0, 20.0)
    assert choice.precision(256, "cpu") == "float32"


def test_the_measurement_times_both_formats():
    assert min(choice._seconds()) > 0


@pytest.mark.parametrize(("native", "expected"), [(True, "bfloat16"), (False, "float32")])
def test_a_gpu_that_emulates_bfloat16_trains_in_float32(monkeypatch, native, expected):
    def supported(including_emulation=True):
        return including_emulation or native

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    monkeypatch.setattr(torch.cuda, "device", lambda device: contextlib.nullcontext())
    assert choice.precision(512, "cuda:0") == expected
    assert choice.precision(64, "cuda:0") == "float32"
    assert choice.precision(512, "mps") == "float32"


def test_a_run_that_goes_on_keeps_its_format(small, machine):
    wide = Shape(width=256, layers=1, context=32, head=64)
    machine(1.0, 0.3)
    first = ModelTrainer(wide, QUICK, small, seed=0, device="cpu")
    first.step()
    assert first.precision == "bfloat16"
    assert all(p.dtype == torch.float32 for p in first.model.parameters())
    machine(1.0, 20.0)
    for file in choice.default_cache().iterdir():
        file.unlink()
    later = ModelTrainer(wide, QUICK, small, seed=0, device="cpu")
    assert later.precision == "float32"
    later.restore(first.state())
    assert later.precision == "bfloat16"


# ---- recipes and sweeps -----------------------------------------------------------------------


def test_the_batch_grows_and_stays_within_its_limit():
    recipe = TrainingRecipe(batch=512, ramp=100_000, largest=2_048)
    grown = [recipe.sequences(d, 128) * 128 for d in (0, 100_000, 400_000, 10_000_000)]
    assert grown == [512, 512, 1_024, 2_048]


def test_wsd_ends_at_a_rate_of_zero_and_costs_its_branches():
    recipe = TrainingRecipe(schedule="wsd", decay=0.25)
    legs = recipe.legs((1_000, 2_000))
    assert [leg.until for leg in legs] == [750, 1_000, 1_500, 2_000]
    assert recipe.tokens((1_000, 2_000)) == 1_500 + 250 + 500


def test_a_recipe_that_cannot_be_followed_is_refused():
    for wrong in ({"schedule": "cosine"}, {"window": 0.0}, {"lr": -1.0}, {"largest": 1}):
        with pytest.raises(UsageError):
            TrainingRecipe(**wrong)


def test_a_sweep_knows_its_runs_before_it_is_trained(words, tmp_path, monkeypatch):
    monkeypatch.setenv("ISOFLOP_CACHE", str(tmp_path / "cache"))
    sweep = Pretrain(
        shapes=(SMALL,), budgets=budgets(1e8, 4e8, 4), recipe=QUICK, text=str(words),
        evaluation=1_024, least_steps=5,
    )  # fmt: skip
    (trial,) = sweep.trials()
    summary = Pretrain.run(trial, TrialFolder(tmp_path), "cpu")
    planned = list(sweep.sizes(SMALL))
    assert [(o["N"], o["D"], o["C"]) for o in summary["observations"]] == planned
    assert trial.flop == planned[-1].C
    assert summary["provenance"]["cpu_seconds"] > 0
    assert len(summary["provenance"]["data"]) == 64


def test_points_of_too_few_steps_are_left_out():
    grid = dict(shapes=(SMALL,), budgets=(1e7, 1e8, 1e9), recipe=QUICK)
    assert len(Pretrain(**grid, least_steps=1).points(SMALL)) == 3
    assert len(Pretrain(**grid, least_steps=9).points(SMALL)) == 2
    with pytest.raises(UsageError, match="larger budgets"):
        Pretrain(**grid, least_steps=10**6)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets_forecast_ten_times_further_a_size_they_do_not_hold(name):
    preset = PRESETS[name](0)
    (target,) = preset.held_out.shapes
    reach = max(s.C for shape in preset.sweep.shapes for s in preset.sweep.sizes(shape))
    assert target not in preset.sweep.shapes
    assert preset.held_out.sizes(target)[-1].C / reach >= 10
    assert len({t.key for t in preset.sweep.trials()}) == len(preset.sweep.shapes)
