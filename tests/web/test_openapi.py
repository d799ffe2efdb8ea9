"""The description of the JSON interface, held against it by schemathesis, where it is installed."""

from __future__ import annotations

import os

import pytest

pytest.importorskip("fastapi")

from test_doors import HOST, OWN, PORT, TABLE

from isoflop.web import api, application, server
from isoflop.web.answers import ANSWERED
from isoflop.web.doors import DoorKeys
from isoflop.web.workspace import Workspace

EXAMPLES = int(os.environ.get("ISOFLOP_FUZZ", "5"))  # questions to each command


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return the doors of a workbench over a folder with one table, and what lets in."""
    folder = tmp_path_factory.mktemp("served").resolve()
    (folder / "runs.csv").write_text(TABLE)
    patch = pytest.MonkeyPatch()
    patch.chdir(folder)
    keys = DoorKeys()
    workspace = Workspace(folder, tmp_path_factory.mktemp("scratch").resolve())
    doors = application.build(workspace, keys, server.LOCAL, PORT)
    yield doors, {"host": f"{HOST}:{PORT}", "cookie": f"{doors.cookie}={keys.session}"}
    patch.undo()


def test_each_command_that_is_answered_has_a_path_with_its_parameters(place):
    paths = place[0].app.openapi()["paths"]
    asked = {
        path.removeprefix("/api/ask/").replace("%20", " ") for path in paths if "/ask/" in path
    }
    assert asked == set(ANSWERED)
    parameters = {p["name"]: p for p in paths["/api/ask/fit"]["get"]["parameters"]}
    assert parameters["law"]["required"]
    assert parameters["objective"]["schema"]["enum"][0] == "huber"
    assert "out" not in parameters
    assert api.ASK not in paths


def test_nothing_that_is_asked_at_random_fails_or_answers_otherwise_than_described(place):
    schemathesis = pytest.importorskip("schemathesis")
    from hypothesis import HealthCheck, Phase, given, settings
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    doors, headers = place
    schema = schemathesis.openapi.from_dict(doors.app.openapi())
    schema.app = doors
    checks = [
        not_a_server_error,
        status_code_conformance,
        content_type_conformance,
        response_schema_conformance,
    ]
    tried = set()
    for item in schema.get_all_operations():
        operation = item.ok()

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case):
            case.call_and_validate(headers=headers, base_url=OWN, checks=checks)

        ask()
        tried.add(operation.path)
    assert len(tried) == len(ANSWERED) + 3
