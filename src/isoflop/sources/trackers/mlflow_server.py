"""Runs of an MLflow server, asked over its REST API, without MLflow.

Source: mlflow.org/docs/latest/api_reference/rest-api.html.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from isoflop.errors import BadRuns, EnvironmentFailure, IsoflopError, suggest
from isoflop.network.server import Manners, Server, completed, key_from
from isoflop.sources.log_formats import AddressFormat, Watch, register
from isoflop.sources.trackers.mlflow_database import by_steps
from isoflop.sources.training_logs.log import Log, Wanted

API = "/api/2.0/mlflow"
PAGE = 1000  # runs of one answer
POINTS = 25_000  # values of a metric in one answer, the most that MLflow gives
MANNERS = Manners(timeout=30.0, tries=3)
KEY = "MLFLOW_TRACKING_TOKEN"


def _read(address: str, wanted: Wanted, watch: Watch) -> Iterator[Log]:
    """Yield the runs of one experiment, or of all where the address names none.

    Raises EnvironmentFailure for a server that does not answer or turns us away, BadRuns for an
    experiment that is not there or is empty.
    """
    parts = urlsplit(address)
    server = urlunsplit((parts.scheme, parts.netloc, "", "", ""))
    experiment = parts.path.strip("/")
    yield from completed(_asked(server, experiment, wanted, watch))


async def _asked(url: str, experiment: str, wanted: Wanted, watch: Watch) -> list[Log]:
    manners = Manners(timeout=MANNERS.timeout, tries=MANNERS.tries, key=key_from(KEY))
    server = Server(url, manners, _refusal)
    try:
        identities = await _experiments(server, experiment)
        runs = await _runs(server, identities)
        if not runs:
            where = f"the experiment {experiment!r}" if experiment else "any experiment"
            raise BadRuns(f"{url} holds no run in {where}")
        logs = []
        for i, run in enumerate(runs, 1):
            logs.append(await _log(server, run, wanted))
            watch(i, len(runs))
        return logs
    finally:
        await server.close()


async def _experiments(server: Server, name: str) -> list[str]:
    answer = await server.post(f"{API}/experiments/search", {"max_results": PAGE}, _mapping)
    numbers = {
        str(e.get("name")): str(e.get("experiment_id")) for e in _list(answer, "experiments")
    }
    if name and name not in numbers:
        raise BadRuns(f"{server.url} has no experiment {name!r}; {suggest(name, numbers)}")
    return [numbers[name]] if name else list(numbers.values())


async def _runs(server: Server, experiments: Sequence[str]) -> list[Mapping[str, Any]]:
    runs: list[Mapping[str, Any]] = []
    token = ""
    while experiments:
        body = {"experiment_ids": list(experiments), "max_results": PAGE, "page_token": token}
        answer = await server.post(f"{API}/runs/search", body, _mapping, 1 << 28)
        runs += _list(answer, "runs")
        token = str(answer.get("next_page_token") or "")
        if not token:
            break
    return runs


async def _log(server: Server, run: Mapping[str, Any], wanted: Wanted) -> Log:
    info, data = run.get("info") or {}, run.get("data") or {}
    key = str(info.get("run_id") or info.get("run_uuid") or "")
    names = [n for m in _list(data, "metrics") if wanted(n := str(m.get("key")))]
    series = await asyncio.gather(*(_metric(server, key, name) for name in names))
    rows = sorted((row for column in series for row in column), key=_step)
    return Log(
        run=str(info.get("run_name") or key),
        recipe="",
        origin=server.url,
        history=by_steps(rows, wanted).history(),
        settings={str(p.get("key")): p.get("value") for p in _list(data, "params")},
        state=str(info.get("status") or "").lower(),
        key=key,
        program="MLflow",
        start=float(info.get("start_time") or 0),
    )


async def _metric(server: Server, run: str, name: str) -> list[tuple[str, float, int, bool]]:
    rows: list[tuple[str, float, int, bool]] = []
    token = ""
    while True:
        query = {"run_id": run, "metric_key": name, "max_results": POINTS, "page_token": token}
        path = f"{API}/metrics/get-history?{urlencode(query, quote_via=quote)}"
        answer = await server.get(path, _mapping, 1 << 28)
        for point in _list(answer, "metrics"):
            rows.append((name, float(point["value"]), int(point.get("step") or 0), False))
        token = str(answer.get("next_page_token") or "")
        if not token:
            return rows


def _step(row: tuple[str, float, int, bool]) -> int:
    return row[2]


def _mapping(answer: Any) -> Mapping[str, Any]:
    if isinstance(answer, Mapping):
        return answer
    raise ValueError("it answers what is no answer of MLflow")


def _list(answer: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    entries = answer.get(name) or []
    return [entry for entry in entries if isinstance(entry, Mapping)]


def _refusal(url: str, status: int, why: str) -> IsoflopError:
    if status in (401, 403):
        return EnvironmentFailure(f"{url} wants a login: {why}; put a token into ${KEY}")
    return EnvironmentFailure(
        f"{url} is no MLflow server that can be read: {why}; an address is like "
        "mlflow:http://127.0.0.1:5000/EXPERIMENT"
    )


register(AddressFormat("mlflow", "mlflow:http://HOST:5000/EXPERIMENT", _read))
