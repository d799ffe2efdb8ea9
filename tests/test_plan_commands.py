"""The planning commands as they are typed: answers, refusals, and what lands on disk."""

from __future__ import annotations

import json
import shlex
import tomllib
from pathlib import Path

import pytest

from isoflop import cli

SET = "chinchilla/besiroglu2024"


@pytest.fixture
def typed(capsys):
    """Return a way to type a command: its exit code, and its data or its complaint."""

    def type_in(line: str):
        code = cli.main([*shlex.split(line), "--json"])
        out, err = capsys.readouterr()
        return code, json.loads(out) if code == 0 else err

    return type_in


@pytest.mark.parametrize(
    "line",
    [
        f"plan {SET} --C 5.76e23",
        f"plan {SET} --C 5.76e23 --serving 2e12 --money",
        f"plan {SET} --C 5.76e23 --unique 3e11",
        f"plan {SET} --C 5.76e23 --chip H100 --mfu 0.4 --at-most latency=0.01,memory=160e9",
        f"plan {SET} --budget $10M --chip H100 --mfu 0.3,0.4,0.5 --price 2,3",
        f"plan {SET} --budget 1e6kWh --chip H100 --mfu 0.4",
        f"reach {SET} --L 2.0 --serving 1e12 --generated 2e11",
        f"shrink {SET} --C 5.76e23",
        f"serve {SET} --C 1e23 --serving 1e12",
        f"wall {SET} --growth 3,5",
        "shape --N 3e9 --untied",
        "flops --layers 2 --width 64 --heads 4 --feed-forward 128 --vocabulary 99 --context 32 "
        "--experts 8 --top-k 2",
        "cost --N 37B --D 14.8T --chip H800 --hours 2.664M",
    ],
)
def test_it_answers_as_text_as_data_and_as_a_page(capsys, tmp_path, monkeypatch, line):
    monkeypatch.chdir(tmp_path)
    assert cli.main([*shlex.split(line), "--html", "page.html"]) == 0
    out, _ = capsys.readouterr()
    assert out.strip()
    assert "</html>" in Path("page.html").read_text()
    assert cli.main([*shlex.split(line), "--json"]) == 0
    assert isinstance(json.loads(capsys.readouterr()[0]), dict)


@pytest.mark.parametrize(
    ("budget", "C"),
    [
        ("2000 H100-hours", 2000 * 3600 * 989.5e12 * 0.4),
        ("3 weeks on 64 H100", 3 * 168 * 64 * 3600 * 989.5e12 * 0.4),
        ("100 PF-days", 100 * 8.64e19),
        ("1e22 FLOP", 1e22),
    ],
)
def test_a_budget_in_any_unit_is_the_compute_that_it_pays_for(typed, budget, C):
    chip = "" if "H100" not in budget else " --mfu 0.4"
    code, data = typed(f"plan {SET} --budget '{budget}'{chip}")
    assert code == 0
    assert data["C"]["value"] == pytest.approx(C, rel=1e-9)


@pytest.mark.parametrize(
    ("line", "FLOP"),
    [
        ("cost --budget '2000 H100-hours' --mfu 0.4", 2000 * 3600 * 989.5e12 * 0.4),
        ("cost --budget '$50k' --chip H100 --price 2 --mfu 0.4", 25e3 * 3600 * 989.5e12 * 0.4),
        ("cost --budget '7 MWh' --chip H100 --mfu 0.4", 10e3 * 3600 * 989.5e12 * 0.4),
        ("cost --budget '100 PF-days' --chip H100 --mfu 0.4", 8.64e21),
        ("cost --C '100 PF-days' --chip H100 --mfu 0.4", 8.64e21),
        ("cost --budget '10 days on 8xH100' --mfu 0.4", 1920 * 3600 * 989.5e12 * 0.4),
    ],
)
def test_cost_says_what_a_budget_in_any_unit_amounts_to(typed, line, FLOP):
    """The H100 draws 700 W, so that 7 MWh are 10,000 hours of one."""
    code, data = typed(line)
    assert code == 0
    assert data["C"] == pytest.approx(FLOP, rel=1e-9)
    assert data["chip-hours"]["typical"] * 3600 * 989.5e12 * 0.4 == pytest.approx(FLOP, rel=1e-9)


def test_reach_holds_its_answer_against_a_budget_in_its_unit(typed):
    code, data = typed(f"reach {SET} --L 2.25 --budget '2000 H100-hours' --mfu 0.4")
    assert (code, data["cost"]["unit"]) == (0, "chip-hours")
    hours = data["C"]["value"] / (3600 * 989.5e12 * 0.4)
    assert data["cost"]["value"] == pytest.approx(hours, rel=1e-9)
    assert any(f"{hours / 2000:.1%} of the budget" in note for note in data["notes"])
    _, best = typed(f"plan {SET} --budget '2000 H100-hours' --mfu 0.4")
    code, complaint = typed(f"reach {SET} --L 2.2 --budget '2000 H100-hours' --mfu 0.4")
    assert code == 1
    assert f"at best: {best['L']['value']:.4g}" in complaint


def test_serve_takes_the_quality_that_a_budget_pays_for(typed):
    _, best = typed(f"plan {SET} --budget '2000 H100-hours' --mfu 0.4")
    code, data = typed(f"serve {SET} --budget '2000 H100-hours' --mfu 0.4 --serving 3e12")
    assert code == 0
    assert data["quality"] == pytest.approx(best["L"]["value"], rel=1e-9)
    assert data["cost"]["unit"] == "chip-hours"


def test_design_spends_a_budget_in_hours_of_chips(typed):
    line = (
        "design chinchilla --at N=70e9,D=1.4e12 --at-least N=1e7,D=2e8 --at-most N=1e9,D=2e10 "
        "--noise 0.005"
    )
    flop = 30 * 3600 * 989.5e12 * 0.4
    code, data = typed(f"{line} --budget '30 H100-hours' --mfu 0.4")
    assert code == 0
    assert data["spent"] <= flop
    _, same = typed(f"{line} --budget '{flop} FLOP'")
    assert data["runs"] == same["runs"]
    assert any("pay for" in note for note in data["notes"])


def test_next_runs_come_as_shapes_with_hours_and_a_price(capsys):
    line = (
        "design chinchilla --at N=70e9,D=1.4e12 --at-least N=1e7,D=2e8 --at-most N=1e9,D=2e10 "
        "--noise 0.005 --count 3 --chip H100 --mfu 0.4 --price 2"
    )
    assert cli.main(shlex.split(line)) == 0
    page = capsys.readouterr().out
    assert "layers of width" in page
    assert "chip-hours" in page
    assert "USD" in page


def test_a_study_is_written_and_held_to_budgets_in_words(typed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, data = typed("sweep new study.toml --width 8,16 --depth 1 --budgets '1 GFLOP,2e9'")
    assert code == 0
    assert typed("sweep new plain.toml --width 8,16 --depth 1 --budgets 1e9,2e9")[0] == 0
    _, plain = typed("sweep plan plain.toml")
    code, data = typed("sweep plan study.toml --budget '1 TFLOP'")
    assert (code, data["flop"]) == (0, plain["flop"])
    code, complaint = typed("sweep plan study.toml --budget '2 GFLOP'")
    assert (code, "the budget is 2B FLOP" in complaint) == (2, True)
    code, data = typed("sweep plan study.toml --budget '3 weeks on 64 H100'")
    assert any("cannot be checked" in note["text"] for note in data["notes"])


@pytest.mark.parametrize(
    ("fixed", "ratio"), [("--N 7B", 1e22 / 6 / 7e9 / 7e9), ("--D 1T", None), ("--ratio 50", 50)]
)
def test_what_is_fixed_stays_and_its_price_is_said(typed, fixed, ratio):
    code, data = typed(f"plan {SET} --C 1e22 {fixed}")
    assert code == 0
    if ratio is not None:
        assert data["D"]["value"] / data["N"]["value"] == pytest.approx(ratio, rel=1e-6)
    own, chosen = data["rules"][:2]
    assert own["rule"] == "the law at hand"
    assert chosen["N"] == pytest.approx(data["N"]["value"], rel=1e-6)
    assert chosen["excess"] > 0
    assert chosen["share"] < 1


def test_v10_a_plan_gives_the_tokens_per_parameter_of_its_constants(typed):
    for name, ratio in (("hoffmann2022", 92.65), ("hoffmann2022-tex", 58.93),
                        ("besiroglu2024", 18.39)):  # fmt: skip
        code, data = typed(f"plan chinchilla/{name} --C 5.76e23")
        assert code == 0
        assert data["D"]["value"] / data["N"]["value"] == pytest.approx(ratio, abs=0.01)
    _, data = typed("plan chinchilla/hoffmann2022 --C 5.76e23")
    assert {a["name"] for a in data["alternatives"]} >= {"chinchilla/besiroglu2024"}


def test_what_was_assumed_for_want_of_an_option_is_said(typed):
    _, data = typed(f"plan {SET} --C 5.76e23 --serving 2e12 --money")
    notes = " ".join(data["notes"])
    assert "no chip was named" in notes
    assert "no utilisation was stated" in notes
    assert "charged at the utilisation of training" in notes
    assert data["cost"]["unit"] == "USD"


def test_the_utilisation_of_deepseek_v3_follows_from_its_hours(typed):
    """6 x 37e9 x 14.8e12 FLOP in 2.664M H800-hours: 34.6% of the dense BF16 peak."""
    _, data = typed("cost --N 37B --D 14.8T --chip H800 --hours 2.664M")
    assert data["utilisation"]["typical"] == pytest.approx(0.346, abs=5e-4)


@pytest.mark.parametrize("to", ["nanochat", "torchtitan", "hf", "json"])
def test_a_plan_is_written_for_a_trainer(typed, tmp_path, to):
    path = tmp_path / "run"
    code, data = typed(
        f"plan {SET} --C 1e21 --chip H100 --mfu 0.4 --chips 16 --emit {to} --out {path}"
    )
    assert code == 0
    assert data["run"]["steps"] * data["run"]["batch_tokens"] == data["run"]["D"]
    text = path.read_text()
    if to == "torchtitan":
        assert tomllib.loads(text)["training"]["steps"] == data["run"]["steps"]
    elif to == "nanochat":
        assert f"--num-iterations={data['run']['steps']}" in text
    else:
        assert json.loads(text)


def test_a_configuration_goes_to_its_usual_name_once(typed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, data = typed(f"plan {SET} --C 1e21 --emit torchtitan")
    assert (code, data["run"]["written"]) == (0, "torchtitan.toml")
    before = (tmp_path / "torchtitan.toml").read_text()
    code, _ = typed(f"plan {SET} --C 1e22 --emit torchtitan")
    assert code == 2  # what is there is kept
    assert (tmp_path / "torchtitan.toml").read_text() == before


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        (f"plan {SET}", 2, "give one budget"),
        (f"plan {SET} --C 0", 2, "above zero"),
        (f"plan {SET} --budget 2000 --chip H100", 2, "has no unit"),
        (f"plan {SET} --budget '2000 GPU-hours'", 2, "name it with --chip: V100"),
        (f"plan {SET} --budget '3 weeks on 64 H100' --chip A100", 2, "name one chip"),
        (f"plan {SET} --budget '5 MWh' --money", 2, "leave one out"),
        (f"plan {SET} --budget 1e22FLOP --C 1e22", 2, "give one of them"),
        (f"plan {SET} --C 1e22 --N 7B --D 1T", 2, "give one of them"),
        (f"plan {SET} --C 1e22 --N 7B --at-most N=3B", 2, "leave out one of them"),
        (f"plan {SET} --C 1e10 --N 7B --D 1T", 2, "give one of them"),
        (f"plan {SET} --C 1e21 --chip H9000 --mfu 0.4", 2, "did you mean"),
        (f"plan {SET} --C 1e21 --mfu 0.4", 2, "it goes with --chip"),
        (f"plan {SET} --C 1e21 --chip H100 --mfu 40", 2, "0.4 for 40%"),
        (f"plan {SET} --C 1e21 --money --energy", 2, "give one"),
        (f"plan {SET} --C 1e21 --generated 1e9", 2, "--serving"),
        (f"plan {SET} --C 1e21 --serving 1e9 --generated 1e10", 2, "more than the --serving"),
        (f"plan {SET} --C 1e21 --out x.json", 2, "--emit"),
        (f"plan {SET} --C 1e21 --emit hf --out x --rule step", 2, "there is step-law2025"),
        (f"plan {SET} --C 1e21 --count C=detailed", 2, "convert"),
        (f"plan {SET} --C 1e21 --shapes aspect=64", 2, "vocabulary="),
        (f"plan {SET} --C 1e21 --at-most epochs=4", 2, "unique"),
        (f"plan {SET} --C 1e21 --at-most D=1e12 --at-least D=2e12", 2, "at least"),
        (f"reach {SET} --L 1.5", 1, "floor is E"),
        (f"reach {SET} --L 2.0 --at-most N=1e9", 1, "nearest is"),
        (f"reach {SET} --L 2.0 --at-most C=1e22", 1, "nearest is"),
        (f"reach {SET} --L 2.0 --at-most hours=1k --chip H100 --mfu 0.4", 1, "nearest is"),
        (f"plan {SET} --C 1e21 --inputs experts=8", 2, "krajewski-moe/"),
        (f"plan {SET} --C '1e21 tokens'", 2, "C is counted in FLOP"),
        (f"plan {SET} --budget '€50k' --chip H100", 2, "prices are in USD"),
        (f"plan {SET} --budget '3 weeks on 64 H900'", 2, "H800"),
        (f"reach {SET} --L 2.2 --budget 2000", 2, "has no unit"),
        (f"serve {SET} --budget 50k --chip H100 --serving 1e12", 2, "has no unit"),
        (f"serve {SET} --budget '1e22 FLOP' --C 1e22 --serving 1e12", 2, "give one of them"),
        ("cost --budget '2000 H100-hours' --chip A100", 2, "name one chip"),
        ("cost --budget '3 weeks on 64 H100' --chips 8", 2, "--chips is 8"),
        ("cost --budget '$5k'", 2, "V100"),
        (f"reach {SET}", 2, "what to reach"),
        (f"shrink {SET} --C 1e21 --k 0.1", 2, "smallest"),
        (f"serve {SET} --serving 1e12", 2, "one quality"),
        (f"wall {SET} --growth 0.5", 1, "does not grow"),
        (f"wall {SET} --stock 3,2,1", 2, "--stock"),
        ("shape --N 3e9 --tied --untied", 2, "contradict"),
        ("cost --C 1e21 --chip H100", 2, "--mfu"),
        ("cost --C 1e21 --chip H100 --hours 1e-9", 2, "at least"),
        ("cost --C 1e21 --N 1e9 --chip H100 --mfu 0.4", 2, "once"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(typed, line, code, said):
    got, complaint = typed(line)
    assert (got, "Traceback" in complaint) == (code, False)
    assert said in complaint
