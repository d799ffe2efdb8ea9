"""Laws and published constants are found by what a reader remembers of them."""

from __future__ import annotations

import json

import pytest

from isoflop import cli
from isoflop.laws import constants, search


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("kaplan2020", "kaplan-joint/kaplan2020"),
        ("Kaplan 2020", "power/kaplan2020-n"),
        ("henighan", "power/henighan2020-language-n"),
        ("2001.08361", "power/kaplan2020-d"),
        ("2203.15556", "chinchilla/hoffmann2022"),
        ("besiroglu2024", "chinchilla/besiroglu2024"),
        ("diverged or overfitted", "muennighoff/muennighoff2023"),
    ],
)
def test_author_year_number_and_phrase_find_a_set(text, key):
    assert key in {item.key for item in search(text)[1]}


def test_what_a_law_says_of_itself_finds_it():
    assert "muennighoff" in {law.key for law in search("repeats")[0]}


def test_nothing_is_found_for_words_that_nobody_says():
    assert search("zzzzz") == ((), ())
    assert search(" ") == ((), ())


def typed(capsys, *words):
    code = cli.main([*words, "--json"])
    out, err = capsys.readouterr()
    return code, json.loads(out) if code == 0 else err


def test_laws_lists_what_it_finds_and_shows_what_stands_alone(capsys):
    _, data = typed(capsys, "laws", "henighan")
    assert len(data["sets"]) > 20
    _, data = typed(capsys, "laws", "besiroglu2024")
    assert "2404.10102" in json.dumps(data)
    code, complaint = typed(capsys, "laws", "chinchila")
    assert (code, "did you mean 'chinchilla'" in complaint) == (2, True)


def test_a_plan_takes_the_set_that_author_and_year_name(capsys):
    _, named = typed(capsys, "plan", "kaplan2020", "--C", "1e21")
    _, full = typed(capsys, "plan", "kaplan-joint/kaplan2020", "--C", "1e21")
    assert named["N"] == full["N"]
    code, complaint = typed(capsys, "plan", "henighan2020", "--C", "1e21")
    assert (code, "isoflop laws henighan2020" in complaint) == (2, True)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("power/kaplan2020-n", "N_c = 8.8e+13 params"),
        ("power/kaplan2020-d", "D_c = 5.4e+13 tokens"),
        ("power/kaplan2020-cmin", "3.1e+08 PF-days"),
        ("power/kaplan2020-n-of-c", "1.3e+09 at one PF-day"),
    ],
)
def test_scales_are_printed_as_the_paper_prints_them(capsys, key, words):
    assert cli.main(["laws", key]) == 0
    page = " ".join(capsys.readouterr().out.split())
    assert words in page
    assert "N leaves out the embeddings" in page
    assert constants(key).law.key == "power"
