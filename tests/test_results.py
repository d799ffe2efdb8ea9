"""Every public result shows itself: in a console, as text, as a page, as figures and as frames."""

from __future__ import annotations

import dataclasses
import functools
import html
import pickle
import re
import subprocess
import sys
import tempfile

import numpy as np
import pytest

import isoflop as iso
from isoflop import observational, pages, schedules
from isoflop.accounting import ModelFamily
from isoflop.assess.coverage.coverage_fits import fit_ways
from isoflop.assess.coverage.curvature import bend
from isoflop.assess.coverage.extrapolation import fit_coverage, way
from isoflop.assess.reward.curve import evaluations, reward_curve
from isoflop.assess.reward.evidence import of_curves
from isoflop.assess.reward.guard import guards
from isoflop.assess.reward.overoptimisation import overoptimisation
from isoflop.assess.reward.reward_fits import fit_rewards
from isoflop.assess.reward.reward_input import of_scores
from isoflop.atlas.models import MODELS
from isoflop.downstream import chain, forecast_score
from isoflop.errors import EnvironmentFailure, UnknownName, UsageError
from isoflop.monitor import advise
from isoflop.options import IntervalOptions
from isoflop.plan.design.greedy import design, grid
from isoflop.plan.design.uncertainty import Target
from isoflop.plan.published_models import judge
from isoflop.plan.sampling.difficulty import DifficultyOptions
from isoflop.plan.sampling.policy import policy
from isoflop.plan.sampling.prices import Spending
from isoflop.plan.training.learning_rate import RULES, RateQuery, advice
from isoflop.plan.training.rate_advice import learning_rates, rate_query
from isoflop.plan.training.recipe import recipe
from isoflop.report import Report
from isoflop.report.display import Displayed, laid_out
from isoflop.report.number_format import as_json
from isoflop.samples.best_of_n_curves import best_of_n_curves
from isoflop.samples.curves import curves
from isoflop.samples.sample_table import Counts, Samples
from isoflop.samples.simulated_samples import SyntheticTask, simulate
from isoflop.samples.simulated_scores import Overoptimised
from isoflop.sources.simulated import reward_curves

FAMILY = ModelFamily(vocabulary=32_000, aspect=96, context=2048)


@functools.cache
def runs():
    return iso.read("sample:tiny")


@functools.cache
def fit():
    return iso.fit("chinchilla", runs(), draws=60, seed=0)


@functools.cache
def published():
    return iso.constants("chinchilla/besiroglu2024")


@functools.cache
def comparison():
    return iso.compare(["chinchilla", "kaplan-joint"], runs(), seed=0)


@functools.cache
def samples():
    table = simulate(SyntheticTask(), 40, 12, seed=0)
    names = ("tokens", "flop", "prompt_flop", "verifier_flop")
    return Samples(
        tuple(dict.fromkeys(table["problem"])),
        np.arange(41) * 12,
        table["correct"],
        {"v": np.asarray(table["score:verifier"])},
        table["answer"].astype(np.int32),
        tuple(map(str, range(12))),
        {name: np.full(40, float(np.mean(table[name]))) for name in names},
    )


@functools.cache
def counts():
    rates = np.random.default_rng(0).beta(0.35, 30.0, 120)
    solved = np.random.default_rng(1).binomial(64, rates)
    return Counts(tuple(f"p{i}" for i in range(120)), solved, np.full(120, 64))


@functools.cache
def loss_curves():
    budget = "steps=600,warmup=30"
    law = schedules.AreaPower(L0=2.7, A=0.6, alpha=0.45)
    texts = (f"constant:peak=3e-4,{budget}", f"cosine:peak=3e-4,end=3e-5,{budget}")
    named = {text.partition(":")[0]: schedules.recipe(text) for text in texts}
    return [
        schedules.simulated(law, spec.schedule(name), 40, 1e-3, seed)
        for seed, (name, spec) in enumerate(named.items())
    ]


@functools.cache
def evaluations_of_rl():
    law = iso.form("sigmoid")(R_0=0.3, A=0.61, C_mid=2542, B=1.92)
    return reward_curves({"run": law}, np.linspace(400.0, 16_000, 40), seeds=(0,))


@functools.cache
def score_table():
    scores = Overoptimised(quality=0, taste=1, harm=0.25, angles={"z": np.pi / 2})
    return scores.table(40, 64, seed=0)


@functools.cache
def best_of_n():
    return best_of_n_curves(score_table(), "z")


@functools.cache
def benchmarks():
    families = np.repeat(["oak", "elm", "fir"], 8)
    C = np.tile(np.geomspace(1e20, 1e24, 8), 3)
    S = np.repeat([0.25, 0.15, 0.4], 8) * np.log10(C / 1e22)
    linear = 0.5 + np.outer(S, [0.3, 0.2, 0.25, 0.1])
    target = 1 / (1 + np.exp(-(5 * S - 1)))
    noise = 0.01 * np.random.default_rng(0).standard_normal((24, 5))
    scores = np.clip(np.column_stack([linear, target]) + noise, 0, 1)
    names = np.array([f"{f}-{i}" for i, f in enumerate(families)])
    return observational.Models(
        scores, ("a", "b", "c", "d", "t"), names, families, C, np.arange(2, 26)
    )


@functools.cache
def observed():
    return observational.observe(benchmarks(), "t", ("a", "b", "c", "d"), draws=60)


@functools.cache
def two_steps():
    loss = iso.form("chinchilla")(E=0.45, A=140.0, B=460.0, alpha=0.30, beta=0.30)
    step = iso.form("downstream-sigmoid")(floor=0.25, ceiling=0.92, steepness=7.0, midpoint=0.85)
    N, over = (v.ravel() for v in np.meshgrid([190e6, 370e6, 760e6, 1.3e9], [1, 2, 5, 10]))
    D = 20 * N * over
    luck = np.random.default_rng(0).standard_normal(N.size)
    L = loss(N=N, D=D) * np.exp(0.004 * luck)
    table = iso.Runs({"N": N, "D": D, "L": L, "score": step(L=L)}, conventions={"N": "total"})
    return chain(table, chance=0.25, draws=40)


def identified():
    return iso.identify(fit())


def speedup():
    slow, fast = (iso.form("power")(E=1.6, A=a, alpha=0.095) for a in (90.0, 88.0))
    C = np.geomspace(1e18, 1e21, 8)
    tables = [iso.Runs({"C": C, "L": law(x=C)}) for law in (slow, fast)]
    return iso.speedup(*tables, draws=50)


@functools.cache
def registered():
    folder = tempfile.mkdtemp()
    return iso.register(fit(), f"{folder}/register.jsonl", name="larger", N=2e5, D=1e7)


def scores():
    run = iso.Runs({"N": np.array([2e5]), "D": np.array([1e7]), "L": np.array([1.1])})
    run = dataclasses.replace(run, conventions=runs().conventions)
    return iso.score(registered().path, run)


def mixture():
    rng = np.random.default_rng(5)
    shares = rng.dirichlet(np.ones(3), 30)
    law = iso.form("mixture-3")(E=1.5, K1=0.2, K2=1.0, K3=1.2)
    columns = {f"w{i + 1}": shares[:, i] for i in range(3)}
    table = iso.Runs({**columns, "L": law(*shares.T) * np.exp(1e-3 * rng.standard_normal(30))})
    return iso.plan.mix([iso.fit("mixture-3", table, draws=20)])


MAKERS = {
    "runs": runs,
    "law": lambda: published().law,
    "ensemble": lambda: fit().draws,
    "published": published,
    "fit": fit,
    "forecast": lambda: iso.forecast(fit(), N=2e5, D=1e7),
    "forecast of constants": lambda: iso.forecast(published(), N=70e9, D=1.4e12),
    "pool": lambda: iso.pool(runs(), comparison=comparison(), draws=20),
    "forecast of a pool": lambda: iso.forecast(
        iso.pool(runs(), comparison=comparison(), draws=20), N=2e5, D=1e7
    ),
    "plan": lambda: iso.plan.spend(fit(), 1e13),
    "plan of constants": lambda: iso.plan.spend(published(), 5.76e23),
    "reach": lambda: iso.plan.reach(published(), 2.0),
    "serve": lambda: iso.plan.serve(published(), serving=2e12, N=70e9),
    "shrink": lambda: iso.plan.shrink(published(), 1e23),
    "wall": lambda: iso.plan.wall(published(), draws=200),
    "mix": mixture,
    "approaches": lambda: iso.plan.approaches(runs(), 1e12, draws=20),
    "design": lambda: design([fit()], Target(C=1e13), grid((1e4, 1e6), (1e6, 1e8), 5), count=3),
    "configuration": lambda: recipe(iso.plan.spend(published(), 1e21)),
    "learning rate": lambda: advice(RULES[0], RateQuery(1e9, 1e11, "non-embedding", FAMILY, None)),
    "verdict on a model": lambda: judge([next(iter(MODELS.values()))], published(), near=2.0)[0],
    "registered": registered,
    "scores": scores,
    "comparison": comparison,
    "backtest": lambda: comparison().test,
    "audit": lambda: iso.audit(runs()),
    "identify": identified,
    "profile": lambda: identified().profiles[0],
    "influence": lambda: iso.influence(fit(), most=3),
    "speedup": speedup,
    "schedule": lambda: schedules.fit("power", loss_curves(), draws=20),
    "schedules": lambda: schedules.fit_schedules(loss_curves(), ("power",), draws=20),
    "update": lambda: iso.update(
        iso.fit("chinchilla", runs().where("C < 2e11"), draws=40, seed=0), runs()
    ),
    "models": lambda: iso.models(["GPT-3 175B", "Chinchilla"]),
    "claims": lambda: iso.claims.check(23, 32),
    "learning rates": lambda: learning_rates(rate_query(1e9, D=1e11)),
    "ways of coverage": lambda: fit_ways(counts(), ["beta-binomial"], repeats=1, draws=20),
    "reward fits": lambda: fit_rewards(of_scores(score_table(), draws=20)),
    "guards": lambda: guards(score_table(), draws=20),
    "reward curve": lambda: reward_curve(
        evaluations(evaluations_of_rl(), "hours"), "hours", recipe="run", start=0.3, draws=20
    ),
    "advice": lambda: advise(evaluations_of_rl(), "hours", target=0.55, budget=20_000.0, start=0.3),
    "best-of-n": best_of_n,
    "over-optimisation": lambda: overoptimisation(of_curves(best_of_n(), draws=20)),
    "samples": samples,
    "curves of samples": lambda: curves(samples(), draws=20)[0],
    "policy": lambda: policy(
        samples(),
        sorting=DifficultyOptions(by="oracle"),
        spending=Spending(unit="samples", budgets=[2.0, 4.0]),
        interval=IntervalOptions(draws=20),
    ),
    "bend": lambda: bend(counts()),
    "coverage": lambda: fit_coverage(counts(), way("beta-binomial"), draws=20),
    "observational": observed,
    "forecast of a family": lambda: observational.forecast_family(
        observed(), benchmarks(), "oak", 1e25
    ),
    "two steps": two_steps,
    "forecast of a score": lambda: forecast_score(two_steps(), N=7e9, D=1e12),
}
FIGURES = {  # whose page has figures
    "runs", "law", "ensemble", "published", "fit", "forecast", "plan", "plan of constants", "reach",
    "serve", "shrink", "wall", "approaches", "design", "comparison", "backtest", "identify",
    "influence", "speedup", "registered",
}  # fmt: skip


@functools.cache
def made(name):
    return MAKERS[name]()


@functools.cache
def report_of(name):
    return made(name).page()


@pytest.fixture(params=MAKERS)
def name(request):
    return request.param


def test_a_repr_is_short_and_holds_no_array(name):
    text = repr(made(name))
    assert len(text) <= 300
    assert text.count("\n") < 3
    assert not re.search(r"array\(|dtype|object at 0x|<class", text)
    assert re.search(r"\d", text), f"no number in {text}"


def test_the_page_answers_in_a_sentence_first(name):
    report = report_of(name)
    assert isinstance(report, Report)
    assert report.answer.endswith(".")
    first, second = made(name).summary().splitlines()[:2]
    assert first.split()[0] == report.title.split()[0]
    assert report.answer.startswith(second.split(" ")[0])


def test_a_notebook_shows_the_page(name):
    page = html.unescape(made(name)._repr_html_())
    assert page.startswith("<iframe")
    assert "</html>" in page


def test_tables_are_data_frames(name):
    result = made(name)
    tables = pages.tables(result)
    assert tables
    for table in tables:
        frame = result.to_frame(table)
        assert frame.num_rows >= 1, table
        assert frame.column_names == list(tables[table])


def test_what_was_pickled_shows_the_same(name):
    result = made(name)
    again = pickle.loads(pickle.dumps(result))
    assert repr(again) == repr(result)
    assert as_json(pages.data(again)) == as_json(report_of(name).data)


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_figures_are_those_of_the_page(name):
    from isoflop.report import Figure

    result = made(name)
    first = next(b for b in report_of(name).blocks if isinstance(b, Figure))
    plot = result.plot()
    assert len(plot.data) >= len(first.layers)


def test_every_result_inherits_from_displayed_and_says_what_it_lacks():
    with pytest.raises(UnknownName, match="no table of a Fit called 'draw'; did you mean 'draws'"):
        fit().to_frame("draw")
    with pytest.raises(UnknownName, match="no backend"):
        fit().to_frame(backend="excel")
    with pytest.raises(UsageError, match="there is no figure 9"):
        fit().plot(9)
    with pytest.raises(UsageError, match="a int is no result"):
        pages.page(3)
    assert all(isinstance(made(name), Displayed) for name in ("runs", "law", "plan", "audit"))


def test_frames_come_in_the_library_that_is_asked_for():
    values = fit().to_frame("parameters")["value"].to_pylist()
    assert values == [float(v) for v in fit().law.values.values()]
    assert fit().to_frame("draws").num_rows == 60
    assert fit().to_frame("residuals").num_rows == len(runs())
    pandas = pytest.importorskip("pandas")
    assert isinstance(fit().to_frame(backend="pandas"), pandas.DataFrame)
    polars = pytest.importorskip("polars")
    assert polars.DataFrame(fit().to_frame(backend="polars"))["value"].to_list() == values


def test_a_library_that_is_missing_is_named(monkeypatch):
    import narwhals

    def missing(*args, **options):
        raise ModuleNotFoundError("polars")

    monkeypatch.setattr(narwhals, "from_dict", missing)
    with pytest.raises(EnvironmentFailure, match="polars is not installed"):
        fit().to_frame(backend="polars")


def test_long_reprs_lose_their_last_parts():
    text = laid_out("Long", [f"number_{i}={i}" for i in range(100)])
    assert len(text) <= 300
    assert text.endswith("...)")
    assert text.startswith("Long(number_0=0, number_1=1")


def test_nothing_heavy_is_loaded_before_a_page_is_asked_for():
    code = (
        "import isoflop as iso, sys; f = iso.forecast(iso.constants('chinchilla/besiroglu2024'), "
        "N=70e9, D=1.4e12); repr(f); heavy = {'plotly', 'pyarrow', 'jinja2', 'pandas', 'rich'}; "
        "assert not heavy & set(sys.modules), heavy & set(sys.modules); "
        "assert 'isoflop.pages' not in sys.modules; f.summary(); "
        "assert 'plotly' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
