"""The notebook runs in a real Jupyter kernel, from a data frame to a plan, and shows results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).parents[1] / "examples" / "first_forecast.ipynb"
FIGURE = "application/vnd.plotly.v1+json"

# The libraries of Jupyter warn of each other.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture(scope="module")
def outputs(tmp_path_factory) -> list[list[dict[str, Any]]]:
    """Return what each cell of code shows, as a browser would get it: data by its type."""
    nbclient = pytest.importorskip("nbclient", reason="needs nbclient, of the extra dev")
    pytest.importorskip("ipykernel", reason="needs ipykernel, of the extra dev")
    import nbformat

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    folder = tmp_path_factory.mktemp("notebook")
    client = nbclient.NotebookClient(notebook, resources={"metadata": {"path": str(folder)}})
    executed = client.execute()
    cells = [cell for cell in executed.cells if cell.cell_type == "code"]
    return [[output.get("data", {}) for output in cell.outputs] for cell in cells]


def test_it_has_ten_cells_and_ships_without_outputs():
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    assert len(cells) == 10
    assert not any(cell.get("outputs") for cell in cells)


def shown(output: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the last line of a cell shows."""
    assert output, "a cell shows nothing"
    return output[-1]


def test_every_cell_of_code_shows_its_result(outputs):
    assert len(outputs) == 9
    assert all(shown(output) for output in outputs)


def test_results_are_pages_and_say_their_answer_first(outputs):
    pages = ["<iframe" in shown(output).get("text/html", "") for output in outputs]
    assert sum(pages) == 6  # runs, audit, comparison, fit, forecast, plan
    plan = shown(outputs[7])
    assert "Train " in plan["text/html"]
    assert plan["text/plain"].startswith("Plan(")


def test_tables_are_data_frames_and_figures_are_of_plotly(outputs):
    frames = [output for output in outputs if "dataframe" in shown(output).get("text/html", "")]
    assert len(frames) >= 2  # the table of runs, and the parameters
    figure = shown(outputs[-1])[FIGURE]
    assert len(figure["data"]) > 1
