"""Training that watches itself: trainers' real libraries run, and say how the run will end."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys

import numpy as np
import pytest

import isoflop as iso
from isoflop.errors import MissingExtra
from isoflop.monitor import lightning_callback, transformers_callback
from isoflop.monitor.callbacks import loop
from isoflop.monitor.callbacks.scheduler import schedule_ahead
from isoflop.sources.training_logs import read_logs

TEXT = "wsd:peak=6e-3,end=6e-4,steps=400,warmup=60,decay=80"
PLAN = iso.RunPlan.of(TEXT, ladder=["sample:live-ladder"])
STEPS = 120
foreign = pytest.mark.filterwarnings("ignore")  # of the trainers' libraries


@pytest.fixture
def few_looks(monkeypatch):
    monkeypatch.setattr(loop, "LOOKS", 6)  # each takes what hundreds of steps of these models do


def sample() -> list[dict]:
    return [dict(r) for r in read_logs("sample:live-run")[0].records]


def estimates(lines) -> list[float]:
    matches = (re.search(r"estimated final loss ([\d.]+)", line) for line in lines)
    return [float(match[1]) for match in matches if match]


def test_a_plain_loop_says_how_it_will_end():
    lines: list[str] = []
    watch = iso.Watch(PLAN, say=lines.append)
    records = sample()
    for r in records:
        watch(int(r["step"]), loss=r.get("loss"), eval_loss=r.get("eval_loss"), lr=r.get("lr"))
    told = estimates(lines)
    assert 8 <= len(told) <= 20
    assert told[-1] == pytest.approx(2.0464, rel=0.01)  # what the whole run came to
    assert watch.look.forecast.interval(0.9).low < 2.0464 < watch.look.forecast.interval(0.9).high
    assert not watch.alerts


def test_without_a_ladder_the_reason_is_said_once():
    lines: list[str] = []
    watch = iso.Watch(dataclasses.replace(PLAN, earlier=None), say=lines.append)
    for r in sample():
        if r["step"] < 300:
            watch.take(r)
    reasons = [line for line in lines if "the rate has not fallen yet" in line]
    assert len(reasons) == 1
    assert not estimates(lines)


def test_an_alert_is_said_once_and_at_once():
    lines: list[str] = []
    watch = iso.Watch(PLAN, say=lines.append)
    for r in sample():
        spoilt = {**r, "loss": float("nan")} if r["step"] >= 200 and "loss" in r else r
        watch.take(spoilt)
        if r["step"] == 208:
            assert any("ALERT not a number" in line for line in lines)
    assert sum("ALERT not a number" in line for line in lines) == 1
    assert [a.name for a in watch.alerts] == ["not a number"]


def test_a_watch_that_fails_lets_the_run_go_on():
    lines: list[str] = []
    watch = iso.Watch(say=lines.append)
    watch._watcher.rules = {}  # as a bug of ours would
    watch._watcher.curves = {"loss": None}
    for step in range(1, 20):
        watch(step, loss=2.0)
    assert len(lines) == 1
    assert "watches no more" in lines[0]


def test_a_loop_goes_on_with_what_was_logged_before():
    first, second = iso.Watch(PLAN, say=lambda _: None), iso.Watch(PLAN, say=lambda _: None)
    records = sample()
    for r in records[:30]:
        first.take(r)
    second.resume(first.records())
    for r in records[30:]:
        first.take(r)
        second.take(r)
    assert second.look.forecast.value == pytest.approx(first.look.forecast.value, rel=1e-9)


def test_a_scheduler_tells_its_rates_without_a_step():
    torch = pytest.importorskip("torch", reason="needs the extra train")
    model = torch.nn.Linear(4, 4)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    schedulers = torch.optim.lr_scheduler
    warm = schedulers.LinearLR(optimizer, 0.1, 1.0, 10)
    rest = schedulers.CosineAnnealingLR(optimizer, 90, 0.01)
    scheduler = schedulers.SequentialLR(optimizer, [warm, rest], [10])
    planned = schedule_ahead(scheduler, 100)
    assert scheduler.last_epoch == 0
    rates = [scheduler.get_last_lr()[0]]
    for _ in range(100):
        optimizer.step()
        scheduler.step()
        rates.append(scheduler.get_last_lr()[0])
    assert planned.rates == pytest.approx(rates)
    assert planned.warmup == 10
    assert schedule_ahead(scheduler, 100) is None  # it goes on, and its past is not known
    waiting = schedulers.ReduceLROnPlateau(torch.optim.SGD(model.parameters(), lr=0.1))
    assert schedule_ahead(waiting, 100) is None
    assert schedule_ahead(warm, float("inf")) is None


STATES = 64


def pairs(count: int, length: int = 16, seed: int = 0) -> np.ndarray:
    """Return sequences (count, length) of questions, some rare, each with its answer behind it.

    Rare ones are learnt late, so that the loss falls for as long as a run lasts.
    """
    answers = np.random.default_rng(7).permutation(STATES)
    rng = np.random.default_rng(seed)
    weight = 1 / np.arange(1, STATES + 1)
    questions = rng.choice(STATES, (count, length // 2), p=weight / weight.sum())
    return np.stack([questions, answers[questions]], axis=2).reshape(count, length)


def tiny_model():
    transformers = pytest.importorskip("transformers", reason="needs the extra hf")
    config = transformers.GPT2Config(
        vocab_size=STATES + 4, n_positions=32, n_embd=16, n_layer=1, n_head=1,
        bos_token_id=1, eos_token_id=1, pad_token_id=0,
    )  # fmt: skip
    transformers.set_seed(0)
    return transformers.GPT2LMHeadModel(config)


def options(kind, folder, **others):
    return kind(
        output_dir=str(folder), max_steps=STEPS, per_device_train_batch_size=16, use_cpu=True,
        learning_rate=5e-3, lr_scheduler_type="cosine", warmup_steps=10, logging_steps=1,
        report_to="none", save_strategy="no", disable_tqdm=True, seed=0, **others,
    )  # fmt: skip


def held_against(out: str, history: list[dict]) -> None:
    """Hold what was printed and kept against how the run ended."""
    last = float(np.mean([r["loss"] for r in history if "loss" in r][-10:]))
    told = estimates(out.splitlines())
    assert len(told) >= 3
    assert told[-1] == pytest.approx(last, rel=0.05)
    kept = [r["estimated_final_loss"] for r in history if "estimated_final_loss" in r]
    assert kept == pytest.approx(told, rel=1e-3)
    assert "ALERT" not in out


@foreign
def test_the_trainer_of_transformers_says_how_it_will_end(tmp_path, capsys, few_looks):
    transformers = pytest.importorskip("transformers", reason="needs the extra hf")
    pytest.importorskip("accelerate", reason="the trainer of transformers needs accelerate")
    rows = [{"input_ids": r, "labels": r} for r in pairs(2048).tolist()]
    trainer = transformers.Trainer(
        tiny_model(), options(transformers.TrainingArguments, tmp_path), train_dataset=rows
    )
    callback = transformers_callback()
    trainer.add_callback(callback)
    trainer.train()
    held_against(capsys.readouterr().out, trainer.state.log_history)
    planned = callback.watch.plan.schedule
    logged = {r["step"]: r["learning_rate"] for r in trainer.state.log_history if "loss" in r}
    steps = np.array([s for s in logged if s < STEPS])
    rates = np.array([logged[s] for s in steps])  # before a step, or after it: versions differ
    before, after = (np.isclose(planned.rates[s], rates) for s in (steps - 1, steps))
    assert before.all() or after.all()
    assert planned.warmup == 10


@foreign
def test_a_trainer_of_trl_says_how_it_will_end(tmp_path, capsys, few_looks):
    trl = pytest.importorskip("trl", reason="needs TRL")
    datasets = pytest.importorskip("datasets", reason="needs the extra hf")
    transformers = pytest.importorskip("transformers", reason="needs the extra hf")
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = {"<pad>": 0, "<eos>": 1, "<unk>": 2, **{f"w{i}": i + 3 for i in range(STATES)}}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    text = [" ".join(f"w{i}" for i in row) for row in pairs(2048).tolist()]
    trainer = trl.SFTTrainer(
        tiny_model(), options(trl.SFTConfig, tmp_path, max_length=32),
        train_dataset=datasets.Dataset.from_dict({"text": text}),
        processing_class=transformers.PreTrainedTokenizerFast(
            tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>"
        ),
        callbacks=[transformers_callback()],
    )  # fmt: skip
    trainer.train()
    held_against(capsys.readouterr().out, trainer.state.log_history)


@foreign
def test_a_resumed_trainer_keeps_its_curve_and_an_alert_may_stop_it(tmp_path, capsys):
    transformers = pytest.importorskip("transformers", reason="needs the extra hf")
    callback = transformers_callback(PLAN, stop=True)
    state, control = transformers.TrainerState(), transformers.TrainerControl()
    records = [{k: v for k, v in r.items() if v == v} for r in sample()]
    state.log_history = records[:30]
    callback.on_train_begin(None, state, control)
    for r in records[30:]:
        state.global_step = int(r["step"])
        state.log_history.append(dict(r))
        callback.on_log(None, state, control, logs=r)
    assert callback.watch.look.steps[0] == 8  # its first evaluation, logged before
    assert estimates(capsys.readouterr().out.splitlines())
    assert not control.should_training_stop
    callback.on_log(None, state, control, logs={"loss": float("nan")})
    state.global_step += 1
    callback.on_log(None, state, control, logs={"loss": float("nan")})
    assert control.should_training_stop
    callback.on_log(None, state, control, logs={"reward": 0.1, "loss": 1e-4})
    assert "rl advise" in capsys.readouterr().out


@foreign
def test_lightning_says_how_a_run_will_end(tmp_path, capsys, few_looks):
    lightning = pytest.importorskip("lightning.pytorch", reason="needs the extra lightning")
    import torch

    class Chain(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.table = torch.nn.Parameter(torch.zeros(STATES, STATES))

        def loss(self, batch):
            (rows,) = batch
            return torch.nn.functional.cross_entropy(
                self.table[rows[:, :-1]].flatten(0, 1), rows[:, 1:].flatten()
            )

        def training_step(self, batch, batch_idx):
            return self.loss(batch)

        def validation_step(self, batch, batch_idx):
            self.log("val_loss", self.loss(batch))

        def configure_optimizers(self):
            optimizer = torch.optim.Adam(self.parameters(), lr=0.03)
            decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS, 3e-4)
            return {
                "optimizer": optimizer,
                "lr_scheduler": {"scheduler": decay, "interval": "step"},
            }

    def loader(seed, count):
        rows = torch.from_numpy(pairs(count, seed=seed))
        return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(rows), batch_size=16)

    lightning.seed_everything(0, verbose=False)
    callback = lightning_callback()
    logger = lightning.loggers.CSVLogger(tmp_path)
    trainer = lightning.Trainer(
        max_steps=STEPS, callbacks=[callback], logger=logger, accelerator="cpu", devices=1,
        enable_progress_bar=False, enable_model_summary=False, log_every_n_steps=1,
        val_check_interval=4, enable_checkpointing=False, default_root_dir=tmp_path,
    )  # fmt: skip
    trainer.fit(Chain(), loader(0, 2048), loader(1, 128))
    out = capsys.readouterr().out
    told, last = estimates(out.splitlines()), float(trainer.callback_metrics["val_loss"])
    assert len(told) >= 3
    assert told[-1] == pytest.approx(last, rel=0.03)
    assert "ALERT" not in out
    assert callback.watch.plan.schedule.rates[60] == pytest.approx(0.01515, rel=0.01)
    logged = (tmp_path / "lightning_logs" / "version_0" / "metrics.csv").read_text()
    assert "estimated_final_loss" in logged.splitlines()[0]
    restored = lightning_callback()
    restored.load_state_dict(json.loads(json.dumps(callback.state_dict())))
    assert len(restored._records) > 100


def test_what_is_not_installed_is_named_with_its_extra(monkeypatch):
    for name in ("transformers", "lightning.pytorch", "pytorch_lightning"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtra, match=r"isoflop\[hf\]"):
        transformers_callback()
    with pytest.raises(MissingExtra, match=r"isoflop\[lightning\]"):
        lightning_callback()


def test_callbacks_load_no_trainer_before_they_are_made():
    code = (
        "import sys; import isoflop.monitor.callbacks; "
        "print([n for n in ('torch', 'transformers', 'lightning') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
