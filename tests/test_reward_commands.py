"""reward fit, guard and score, and import --as scores: files in, answers and refusals out."""

from __future__ import annotations

import dataclasses
import json
import shlex
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop import cli
from isoflop.assess.reward.guard import guard
from isoflop.errors import EnvironmentFailure, IsoflopError, UsageError
from isoflop.law import form
from isoflop.runs import Runs
from isoflop.samples.simulated_scores import Overoptimised
from isoflop.sources import importers, read
from isoflop.sources.cells import source
from isoflop.sources.score_files import read_scores
from isoflop.sources.scoring import http_scorer, scored

SIMULATED = Overoptimised(angles={"small": 1.05, "large": 0.6})


def type_in(capsys, line: str) -> tuple[int, str, str]:
    code = cli.main(shlex.split(line)[1:])
    return code, *capsys.readouterr()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("extension", ["csv", "tsv", "jsonl", "parquet"])
def test_a_table_survives_the_disk_in_every_format(extension):
    made = SIMULATED.table(6, 10)
    gold = np.where(np.arange(60) % 7, made.gold, np.nan)
    made = dataclasses.replace(made, gold=gold, log_mass=np.linspace(-9, -1, 60))
    made.save(f"scores.{extension}")
    back = read_scores(f"scores.{extension}")
    assert back.sizes == made.sizes
    assert back.prompts == made.prompts
    np.testing.assert_array_equal(back.gold, gold)
    np.testing.assert_array_equal(back.log_mass, made.log_mass)
    for name, score in made.proxies.items():
        np.testing.assert_array_equal(back.proxies[name], score)


def test_columns_of_other_programs_are_found_by_name_or_told():
    rows = ["question_id,response_id,reward,true_score", *(
        f"q{i // 4},{i % 4},{i * 7 % 11},{i * 5 % 13}" for i in range(24))]  # fmt: skip
    Path("a.csv").write_text("\n".join(rows))
    found = read_scores("a.csv")
    assert (len(found.prompts), list(found.proxies)) == (6, ["reward"])
    assert found.gold[:3].tolist() == [0, 5, 10]
    told = read_scores("a.csv", {"proxy_mine": "true_score", "gold": "reward"}, {"mine": "1.3k"})
    assert told.sizes == {"mine": 1300.0}
    assert told.proxies["mine"][:3].tolist() == [0, 5, 10]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("prompt,gold\na,1\n", "no score of a proxy"),
        ("prompt,proxy_a,gold\na,1,2\na,x,3\n", "'x', which is no number, in row 3"),
        ("prompt,proxy_a,gold\na,1,2\n,2,3\n", "the prompt is missing in row 3"),
        ("prompt,proxy_a,gold\na,1,2\na,,3\n", "no finite score in row 3"),
        ("prompt,sample,proxy_a,gold\na,1,2,1\na,1,3,2\n", "comes again in row 3"),
        ("prompt,proxy_a,gold\na,1,2\na,1,3\n", "scores every sample 1"),
    ],
)
def test_bad_tables_end_in_one_line_that_names_the_row(capsys, text, says):
    Path("bad.csv").write_text(text)
    for line in ("isoflop reward fit bad.csv", "isoflop reward guard bad.csv",
                 "isoflop import bad.csv --as scores --out o.csv"):  # fmt: skip
        code, _, err = type_in(capsys, line)
        assert code in (1, 2)
        assert says in " ".join(err.split())
        assert "Traceback" not in err


@given(st.text(alphabet='ab,1.\n"nqx-', max_size=80))
def test_any_text_is_a_table_or_a_clear_refusal(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("any") / "t.csv"
    path.write_text(f"prompt,proxy_a,gold\n{text}")
    try:
        made = read_scores(str(path))
    except IsoflopError:
        return
    assert np.isfinite(made.proxies["a"]).all()


def test_fit_gives_the_law_of_each_proxy_and_one_for_all(capsys):
    code, out, _ = type_in(capsys, "isoflop reward fit sample:simulated-scores --draws 100 --json")
    assert code == 0
    found = json.loads(out)
    assert set(found["proxies"]) == {"tiny", "small", "large"}
    tiny, large = found["proxies"]["tiny"], found["proxies"]["large"]
    assert tiny["parameters"]["alpha_R"] < large["parameters"]["alpha_R"]
    assert tiny["peak_at"][0] < large["peak_at"][0]
    low, high = found["of_size"]["bon-reward-of-size"]["alpha_N"][1:]
    assert 0 < low < high


def test_recalibration_changes_the_unit_of_gold_and_nothing_else(capsys):
    plain, scaled = (
        json.loads(type_in(capsys, f"isoflop reward fit sample:simulated-scores --proxy small "
                                   f"--draws 50 --json {more}")[1])["proxies"]["small"]
        for more in ("", "--recalibrate")
    )  # fmt: skip
    ratio = plain["parameters"]["alpha_R"] / scaled["parameters"]["alpha_R"]
    assert ratio == pytest.approx(read_scores("sample:simulated-scores").gold.std(), rel=1e-9)
    assert plain["peak_at"][0] == pytest.approx(scaled["peak_at"][0])


def test_a_proxy_fitted_to_its_own_score_does_not_see_the_fall(capsys):
    line = "isoflop reward fit sample:simulated-scores --proxy tiny --draws 50 --json"
    gold, own = (
        json.loads(type_in(capsys, f"{line} --of {of}")[1])["proxies"]["tiny"]
        for of in ("gold", "proxy")
    )
    assert gold["peak_at"][0] < gold["furthest"]
    assert own["actual"] > own["points"]["R"][3] > gold["points"]["R"][3]
    assert own["peak_at"][0] is None or own["peak_at"][0] > own["furthest"]


def test_known_probabilities_move_the_kl_and_that_is_said(capsys):
    made = SIMULATED.table(12, 64)
    dataclasses.replace(made, log_mass=np.full(len(made), np.log(0.05))).save("p.csv")
    found = json.loads(type_in(capsys, "isoflop reward guard p.csv --draws 50 --json")[1])
    assert any("Beirami's estimate" in note for note in found["notes"])
    kl = found["proxies"]["small"]["curve"]["kl"]
    assert max(kl) < np.log(20) + 1e-6
    assert found["proxies"]["small"]["n"][0] >= 1


def test_an_option_for_runs_is_not_ignored_for_samples_nor_the_other_way(capsys):
    Runs({"d": np.linspace(1, 3, 9), "R": np.linspace(1, 2, 9) ** 0.5}).save("r.csv")
    for line, says in (
        ("reward fit sample:simulated-scores --where 'd > 1'", "--where is for runs of RL"),
        ("reward fit r.csv --recalibrate", "--recalibrate is for scored samples"),
        ("reward guard r.csv", "go to 'isoflop reward fit'"),
    ):
        code, _, err = type_in(capsys, f"isoflop {line}")
        assert code == 2
        assert says in " ".join(err.split())


def test_guard_says_where_it_hurts_and_how_many_labels_it_takes(capsys):
    SIMULATED.table(150, 256, seed=1).save("s.csv")
    code, out, _ = type_in(capsys, "isoflop reward guard s.csv --draws 200 --width 0.1 --json")
    assert code == 0
    found = json.loads(out)
    small = found["proxies"]["small"]
    assert small["verdict"] == "falls"
    assert small["says"].startswith("best-of-n past n = ")
    n = np.arange(1, 257)
    truth = int(n[SIMULATED.curve("small", n).argmax()])
    assert small["n"][1] * 0.8 <= truth <= small["n"][2] * 1.2
    assert 1 <= small["safe"] <= min(small["n"][1], truth)
    assert found["proxies"]["large"]["verdict"] != "falls"
    width = small["fit"]["peak_at"][2] - small["fit"]["peak_at"][1]
    want = small["labels"] * (width / 0.1) ** 2
    assert small["labels_needed"] == pytest.approx(want, rel=1e-3)
    assert set(found["ensembles"]) == {"mean", "worst", "mean - 0.5 var"}
    assert found["versus"]["mean"]["against"] == "large"


def test_the_verdict_follows_every_law_that_nothing_speaks_against():
    """One law alone would have called each of these still rising, and said so in green."""
    for samples, seed, judged in ((8, 0, 0), (24, 0, 4)):
        made = Overoptimised().table(40, samples, seed)
        found = guard(made, "small", draws=200)
        assert len(found.fit.standings) == judged
        assert found.fit.peak_at.low >= found.fit.furthest
        assert found.among[0] < found.n.low
        assert (found.verdict, found.safe) == ("unclear", found.among[0])
        assert found.says.startswith("not known yet")
        asked = guard(made, "small", form=found.fit.form, draws=200)
        assert asked.verdict == "unclear"


def test_a_law_that_was_asked_for_is_told_what_forecasts_better():
    made = SIMULATED.table(200, 256, seed=2)
    notes = guard(made, "small", form="rl-reward", draws=100).fit.notes
    assert any("rl-reward was asked for" in note.text for note in notes)


def test_the_labels_that_are_asked_for_give_the_width_that_was_wanted():
    """Half the width at four times the prompts, in the median of banks within a quarter."""

    def asked(prompts, seeds):
        banks = (SIMULATED.table(prompts, 64, seed) for seed in seeds)
        return [guard(bank, "small", form="bon-reward", draws=200) for bank in banks]

    def width(found):
        return found.fit.peak_at.high - found.fit.peak_at.low

    few = asked(60, range(10))
    need = [found.labels_for(width(found) / 2) for found in few]
    assert need == pytest.approx([4 * 60 * 64] * 10, rel=0.001)
    many = np.median([width(found) for found in asked(240, range(10, 15))])
    assert many == pytest.approx(np.median([width(found) for found in few]) / 2, rel=0.25)
    with pytest.raises(UsageError, match="width"):
        few[0].labels_for(0)


def test_a_tenth_of_the_gold_gives_an_interval_that_is_wider(capsys):
    made = SIMULATED.table(150, 256, seed=1)
    known = np.random.default_rng(0).random(len(made)) < 0.1
    dataclasses.replace(made, gold=np.where(known, made.gold, np.nan)).save("part.csv")
    made.save("whole.csv")
    widths = []
    for name in ("whole", "part"):
        line = f"isoflop reward guard {name}.csv --proxy small --draws 200 --json"
        found = json.loads(type_in(capsys, line)[1])["proxies"]["small"]
        widths.append(found["fit"]["peak_at"][2] - found["fit"]["peak_at"][1])
    assert widths[1] > 1.5 * widths[0]


def test_runs_of_rl_are_fitted_from_a_log(capsys):
    law = form("rl-reward")(alpha_R=0.7, beta_R=0.35)
    kl = np.linspace(0, 40, 30)
    gold = np.concatenate([[0.0], law(d=np.sqrt(kl[1:]))]) + 0.3
    with Path("ppo.jsonl").open("w") as file:
        for step, (k, g) in enumerate(zip(kl, gold, strict=True)):
            record = {"step": step, "objective/kl": k, "eval/gold_reward": g, "reward": 2 * g}
            file.write(json.dumps(record) + "\n")
    code, out, err = type_in(
        capsys, "isoflop import ppo.jsonl --as scores --set params=3M --out runs.csv"
    )
    assert code == 0, err
    runs = read("runs.csv")
    assert set(runs.columns) == {"KL", "R", "R_proxy", "steps", "d", "N", "start"}
    assert runs["start"].tolist() == [0.3] * 29
    code, out, err = type_in(capsys, "isoflop reward fit runs.csv --draws 50 --json --html p.html")
    assert code == 0, err
    found = json.loads(out)["proxies"]["all runs"]
    assert found["form"] == "rl-reward"
    assert found["parameters"]["beta_R"] == pytest.approx(0.35, rel=1e-6)
    assert found["size"] == 3e6


def test_runs_may_begin_at_step_0_and_what_needs_its_log_refuses_it_by_row(capsys):
    gains = [0.0, 0.3, 0.45, 0.52, 0.5, 0.4, 0.2]
    rows = [f"a,{10 * i},{0.6 * i * i},{0.3 + gain}" for i, gain in enumerate(gains)]
    Path("rl.csv").write_text("\n".join(["run,steps,KL,R", *rows]))
    code, out, err = type_in(capsys, "isoflop reward fit rl.csv --draws 50 --json")
    assert code == 0, err
    points = json.loads(out)["proxies"]["all runs"]["points"]
    assert points["R"] == pytest.approx(gains[1:])
    code, _, err = type_in(capsys, "isoflop fit rl.csv --law power --over steps --predicts R")
    assert code == 2
    assert "steps must be above zero: 0 in row 2" in " ".join(err.split())
    Path("rl.csv").write_text("\n".join(["run,steps,KL,R", "a,-1,0,0.3", *rows[1:]]))
    code, _, err = type_in(capsys, "isoflop reward fit rl.csv")
    assert "steps must not be below zero: -1 in row 2" in " ".join(err.split())


def test_runs_that_are_not_independent_are_named_and_many_doubts_are_one(capsys):
    rng, d = np.random.default_rng(0), np.tile(np.linspace(0.3, 3, 10), 14)
    family = np.repeat([f"proxy {i}" for i in range(7)], 20)
    run = np.repeat([f"run {i}" for i in range(14)], 10)
    columns = {"d": d, "R": rng.normal(size=140), "k": np.exp(d**2)}
    Runs(columns, {"family": family, "run": run}).save("many.csv")
    code, out, _ = type_in(capsys, "isoflop reward fit many.csv --start 0 --draws 50 --json")
    assert code == 0
    notes = json.loads(out)["notes"]
    assert any("runs of one proxy are fitted together" in note for note in notes)
    assert any("best-of-n at every n is of the same samples" in note for note in notes)
    out = " ".join(type_in(capsys, "isoflop reward fit many.csv --start 0 --draws 50")[1].split())
    assert "laws of 7 of 7 proxies do not follow their points" in out
    code, out, _ = type_in(capsys, "isoflop reward fit many.csv --draws 50 --html p.html")
    assert code == 0
    assert Path("p.html").read_text().count("<figure") == 2  # six proxies in one


def test_the_reward_before_training_may_be_zero_or_below(capsys):
    d = np.linspace(0.5, 3, 12)
    Runs({"d": d, "R": d * (1 - 0.25 * d) - 2}).save("r.csv")
    code, out, err = type_in(capsys, "isoflop reward fit r.csv --start -2 --draws 50 --json")
    assert code == 0, err
    found = json.loads(out)["proxies"]["all runs"]
    assert found["form"] == "bon-reward"
    assert found["parameters"]["beta_R"] == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("name", "near"), [("simulated-score", "simulated-scores"), ("rl-stud", "rl-study")]
)
def test_a_misspelt_sample_is_held_against_those_that_can_be_read(capsys, name, near):
    code, _, err = type_in(capsys, f"isoflop reward fit sample:{name}")
    assert (code, f"did you mean '{near}'?" in err) == (2, True)


def test_a_folder_is_no_table_and_the_tables_in_it_are_named(capsys, folder):
    held = Path("study/trials/abc/scores.parquet")
    held.parent.mkdir(parents=True)
    held.touch()
    code, _, err = type_in(capsys, "isoflop reward guard study")
    assert (code, f"name a table of scores, such as {held}, one of 1" in err) == (2, True)


def test_a_log_with_a_kl_below_zero_is_refused_by_line(capsys):
    Path("ppo.jsonl").write_text(
        "".join(json.dumps({"step": i, "kl": k, "gold": 0.1}) + "\n" for i, k in enumerate((0, -1)))
    )
    with pytest.raises(IsoflopError, match="below zero in row 2"):
        importers.kind("scores").read(["ppo.jsonl"], {}, {})
    Runs({"KL": [0.0, -1.0], "R": [0.0, 1.0]}, origin="r").save("runs.csv")
    code, _, err = type_in(capsys, "isoflop reward fit runs.csv")
    assert code == 2
    assert "KL is -1 in row 3" in " ".join(err.split())


def test_a_kl_of_tokens_is_named_and_becomes_that_of_responses(capsys):
    Path("grpo.jsonl").write_text(
        "".join(json.dumps({"step": i, "kl": 0.01 * i, "gold": 0.1 * i}) + "\n" for i in range(9))
    )
    line = "isoflop import grpo.jsonl --as scores --out runs.csv"
    code, out, _ = type_in(capsys, line)
    assert code == 0
    assert "'kl' is a mean over tokens" in " ".join(out.split())
    code, out, _ = type_in(capsys, f"{line} --set tokens=200")
    assert "mean over tokens" not in " ".join(out.split())
    np.testing.assert_allclose(read("runs.csv")["KL"], 2.0 * np.arange(1, 9))


def test_tables_are_joined_and_kinds_are_not_mixed(capsys):
    made = SIMULATED.table(6, 10)
    made.select(made.prompt < 3).save("a.csv")
    made.select(made.prompt >= 3).save("b.csv")
    code, _, err = type_in(capsys, "isoflop import a.csv b.csv --as scores --out all.parquet")
    assert code == 0, err
    back = read_scores("all.parquet")
    np.testing.assert_array_equal(np.sort(back.gold), np.sort(made.gold))
    code, _, err = type_in(capsys, "isoflop import a.csv a.csv --as scores --out all.parquet")
    assert code == 2
    assert "comes again" in " ".join(err.split())
    Path("log.jsonl").write_text('{"step": 1, "kl": 1, "gold": 2}\n')
    code, _, err = type_in(capsys, "isoflop import a.csv log.jsonl --as scores --out all.parquet")
    assert code == 2
    assert "import them apart" in " ".join(err.split())


class Scorer(BaseHTTPRequestHandler):
    """A scorer whose score is the length of a response; it fails as the server is told to."""

    def do_POST(self):
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(len(sent["responses"]))
        fault = self.server.faults.pop(0) if self.server.faults else None
        if fault == "drop":
            self.connection.close()
            return
        body = json.dumps({"scores": [float(len(r)) for r in sent["responses"]]}).encode()
        body = fault if isinstance(fault, bytes) else body
        self.send_response(fault if isinstance(fault, int) else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    made = ThreadingHTTPServer(("127.0.0.1", 0), Scorer)
    made.asked, made.faults = [], []
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def url(server) -> str:
    return f"http://127.0.0.1:{server.server_port}/score"


def answers(count=10):
    texts = ["x" * (i + 1) for i in range(count)]
    return source("answers", {"prompt": ["p"] * count, "response": texts})


def test_a_scorer_over_http_survives_faults_and_is_asked_again(server, folder):
    server.faults = [503, "drop", 429]
    ask = http_scorer(url(server), pause=0.01)
    got = scored(answers(), {}, ask, folder / "kept", batch=4)
    assert got.tolist() == list(range(1, 11))
    assert server.asked == [4, 4, 4, 4, 4, 2]


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (404, "refuses with 404"),
        (b"oops", "is needed"),
        (b'{"scores": [1]}', "no such number of scores"),
        (b'{"scores": [1, NaN, 1, 1]}', "nan for row 3"),
        (b'{"scores": [1, null, 1, 1]}', "None for row 3"),
    ],
)
def test_answers_that_are_none_are_refused(server, folder, fault, says):
    server.faults = [fault]
    with pytest.raises(EnvironmentFailure, match=says):
        scored(answers(), {}, http_scorer(url(server), pause=0.01), folder / "kept", batch=4)


def test_what_was_scored_before_a_kill_is_not_asked_again(server, folder, capsys):
    rows = [{"prompt": "p", "response": "x" * (i + 1)} for i in range(10)]
    (folder / "a.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    server.faults = [None, None, 400]
    line = f"isoflop reward score a.jsonl --with {url(server)} --as rm --out s.jsonl --batch 4"
    code, _, err = type_in(capsys, line)
    assert code == 3
    kept = folder / "s.jsonl.rm.scores"
    kept.write_text(kept.read_text()[:-5])  # a kill in the middle of a line
    server.asked.clear()
    code, _, err = type_in(capsys, line)
    assert code == 0, err
    assert server.asked == [3]
    assert not kept.exists()
    back = [json.loads(r)["proxy_rm"] for r in (folder / "s.jsonl").read_text().splitlines()]
    assert back == list(range(1, 11))


def test_a_scorer_that_is_none_is_a_usage_error(capsys, folder):
    with pytest.raises(UsageError, match="begins with"):
        http_scorer("localhost:80")
    (folder / "a.jsonl").write_text('{"prompt": "p", "response": ""}\n')
    code, _, err = type_in(
        capsys, "isoflop reward score a.jsonl --with http://127.0.0.1:9/ --as rm --out s.csv"
    )
    assert code == 2
    assert "response is empty in row" in " ".join(err.split())


def test_a_classifier_of_hugging_face_scores_in_process(capsys, folder):
    transformers = pytest.importorskip("transformers")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "p", "good", "bad"]
    (folder / "vocab.txt").write_text("\n".join(words))
    tokenizer = transformers.BertTokenizerFast(vocab_file=str(folder / "vocab.txt"))
    config = transformers.BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, num_labels=1,
    )  # fmt: skip
    tokenizer.save_pretrained(folder / "rm")
    transformers.BertForSequenceClassification(config).save_pretrained(folder / "rm")
    rows = [{"prompt": "p", "response": r} for r in ("good", "bad", "good bad")]
    (folder / "a.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    line = f"isoflop reward score a.jsonl --with hf:{folder / 'rm'} --as rm --out s.csv --json"
    code, out, err = type_in(capsys, line)
    assert code == 0, err
    assert json.loads(out)["samples"] == 3
    assert json.loads(out)["spread"] > 0
