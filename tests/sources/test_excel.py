"""Workbooks of Excel, written by openpyxl: the sheet of runs is read, and nothing is guessed."""

from __future__ import annotations

import pytest

from isoflop.errors import BadRuns
from isoflop.sources import read

openpyxl = pytest.importorskip("openpyxl")
HEAD, RUNS = ["Params (M)", "Tokens (B)", "Val loss"], [[45, 2, 4.693], [125, 4.5, 4.282]]


@pytest.fixture
def save(tmp_path):
    def to(sheets, merged=(), name="runs.xlsx"):
        book = openpyxl.Workbook()
        book.remove(book.active)
        for title, rows in sheets.items():
            sheet = book.create_sheet(title)
            for row in rows:
                sheet.append(row)
            for cells in merged:
                sheet.merge_cells(cells)
        book.save(tmp_path / name)
        return tmp_path / name

    return to


def assert_runs(runs):
    assert runs["N"].tolist() == [45e6, 125e6]
    assert runs["D"].tolist() == [2e9, 4.5e9]
    assert runs["L"].tolist() == [4.693, 4.282]


def test_a_sheet_of_runs_is_read_beside_one_of_notes(save):
    runs = read(save({"Readme": [["all runs of May"]], "Runs": [HEAD, *RUNS]}))
    assert_runs(runs)
    assert runs.rows.tolist() == [2, 3]
    assert any("'Runs' is read" in str(note) for note in runs.notes)


def test_titles_merged_names_units_and_empty_rows(save):
    names = [["Sweep of May"], [], ["Size", "Data", "Loss", None], [None, None, "train", "val"]]
    rows = [*names, ["M", "B", "nats", "nats"], [45, 2, 4.6, 4.693], [], [125, 4.5, 4.2, 4.282]]
    path = save({"Runs": rows}, merged=("C3:D3",))
    runs = read(path, columns={"N": "Size", "D": "Data"})
    assert_runs(runs)
    assert runs.reading.of("L").column == "Loss val"
    assert runs.rows.tolist() == [6, 8]


def test_two_sheets_of_runs_are_asked_and_the_answer_works(save):
    path = save({"May": [HEAD, *RUNS], "June": [HEAD, *RUNS[:1]]})
    with pytest.raises(BadRuns, match=r"sheets 'May' and 'June'; say which: 'runs.xlsx#May'"):
        read(path)
    assert_runs(read(f"{path}#May"))
    with pytest.raises(BadRuns, match="no sheet 'Juli'; its sheets are 'May', 'June'"):
        read(f"{path}#Juli")


def test_what_is_no_workbook_is_refused_in_words(save, tmp_path, monkeypatch):
    (tmp_path / "torn.xlsx").write_bytes(save({"Runs": [HEAD, *RUNS]}).read_bytes()[:900])
    with pytest.raises(BadRuns, match="no Excel workbook, or is damaged"):
        read(tmp_path / "torn.xlsx")
    (tmp_path / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0")
    with pytest.raises(BadRuns, match=r"Excel before 2007; save it as .xlsx or .csv"):
        read(tmp_path / "old.xls")
    with pytest.raises(BadRuns, match="holds no"):
        read(save({"Runs": []}, name="empty.xlsx"))
    monkeypatch.setenv("ISOFLOP_LARGEST_FILE", "2k")
    with pytest.raises(BadRuns, match=r"expands to|holds"):
        read(save({"Runs": [HEAD, *RUNS * 500]}))
