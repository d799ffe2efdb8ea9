"""Files of every kind that a command reads, whole and damaged."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import random
import re
import shutil
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pyarrow.csv
import pyarrow.parquet

from isoflop import cli
from isoflop.store import Study

FILES: dict[str, tuple[str, ...]] = {
    "runs": ("runs.csv", "runs.tsv", "runs.jsonl", "runs.parquet", "study"),
    "fit": ("fit.json", "line.json"),
    "scores": ("scores.csv", "scores.jsonl", "scores.parquet"),
    "rl": ("rl.csv", "rl.jsonl"),
    "log": ("log.jsonl", "log.csv"),
    "curves": ("curves.csv", "curves.jsonl"),
    "bank": ("bank.parquet", "samples.jsonl", "counts.csv"),
}
CELLS = (
    "", "nan", "inf", "-inf", "0", "-1", "1e308", "5e-324", "1e-300", "9" * 400, "zzz", "null",
    "1,5", "٣", '"', "=1+1", "\x1b[31m", "1e400", "true", "[]", "1e30",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, -1, 0, 1.5, 1e308, 5e-324, 10**400, "zzz", "", [], {}, [[]], True, "nan", 1e30, -1e30,
    [1, "a"], {"zzz": 1}, 10**18, [1e308, 1e308],
)  # fmt: skip


def prepare(folder: Path) -> None:
    """Write one whole file of each kind to `folder`."""
    for ending in ("csv", "tsv", "jsonl", "parquet"):
        _run("runs", "convert", "sample:tiny", "--out", folder / f"runs.{ending}")
    _run("fit", "sample:tiny", "--law", "chinchilla", "--draws", "25", "--out", folder / "fit.json")
    _run("fit", "sample:tiny", "--law", "power", "--over", "C", "--draws", "25",
         "--out", folder / "line.json")  # fmt: skip
    samples = resources.files("isoflop.sources") / "samples"
    for name, kept in (("rl.csv", "rl.csv"), ("log.jsonl", "rl-log.jsonl"),
                       ("bank.parquet", "chain-bank.parquet")):  # fmt: skip
        (folder / name).write_bytes((samples / kept).read_bytes())
    _run("runs", "convert", "sample:rl", "--out", folder / "rl.jsonl")
    _run("import", "a=sample:rl-log", "--as", "rl", "--set", "hours-per-step=8",
         "--out", folder / "log.csv")  # fmt: skip
    rng = random.Random(0)
    _table(
        folder / "scores",
        ("prompt", "gold", "proxy_a", "proxy_b"),
        [(f"p{i % 20}", rng.gauss(0, 1), rng.gauss(0, 1), rng.gauss(1, 2)) for i in range(400)],
    )
    _table(
        folder / "curves",
        ("curve", "step", "lr", "loss"),
        [
            (c, 50 * i, 3e-4 * (1 - i / 41 * (c == "b")), 2 + 3 * i**-0.4 + rng.gauss(0, 1e-3))
            for c in "ab"
            for i in range(1, 41)
        ],
    )
    _table(
        folder / "counts",
        ("problem", "samples", "correct"),
        [(f"p{i}", 64, rng.randrange(65)) for i in range(30)],
    )
    _table(
        folder / "samples",
        ("problem", "answer", "correct", "score"),
        [(f"p{i % 12}", str(rng.randrange(3)), rng.randrange(2), rng.random()) for i in range(240)],
    )
    table = pyarrow.csv.read_csv(folder / "scores.csv")
    pyarrow.parquet.write_table(table, folder / "scores.parquet")
    Study.create(folder / "study", {"made by": "a test"}).put("note", "one", {"text": "a"})


def _run(*words: object) -> None:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        cli.main([str(word) for word in words])


def _table(stem: Path, names: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    lines = [",".join(names), *(",".join(map(str, row)) for row in rows)]
    stem.with_suffix(".csv").write_text("\n".join(lines) + "\n")
    records = (json.dumps(dict(zip(names, row, strict=True))) for row in rows)
    stem.with_suffix(".jsonl").write_text("\n".join(records) + "\n")


def damaged(rng: random.Random, kind: str, folder: Path) -> Path:
    """Return a damaged copy of a file of a kind, written to `folder`."""
    whole = folder / rng.choice([name for name in FILES[kind] if (folder / name).exists()])
    target = folder / f"bad{whole.suffix}"
    if target.is_dir():
        shutil.rmtree(target)
    target.unlink(missing_ok=True)
    if whole.is_dir():
        shutil.copytree(whole, target)
        inner = rng.choice(sorted(p for p in target.rglob("*") if p.is_file()))
        inner.write_bytes(rng.choice(BYTES)(rng, inner.read_bytes()))
        return target
    if rng.random() < 0.05:
        return rng.choice((folder, folder / "nowhere.csv", Path("/dev/null"), whole))
    body = whole.read_bytes()
    for _ in range(rng.choice((1, 1, 2))):
        ways = BYTES if whole.suffix == ".parquet" or rng.random() < 0.4 else WAYS[whole.suffix]
        body = rng.choice(ways)(rng, body)
    if rng.random() < 0.1:
        target = folder / f"bad{rng.choice(('.csv', '.json', '.jsonl', '.parquet', '.txt', ''))}"
        if target.is_dir():
            shutil.rmtree(target)
    target.write_bytes(body)
    return target


def _cut(rng: random.Random, body: bytes) -> bytes:
    return body[: rng.randrange(len(body) + 1)]


def _flipped(rng: random.Random, body: bytes) -> bytes:
    flipped = bytearray(body)
    for _ in range(rng.choice((1, 3, 30)) if body else 0):
        flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
    return bytes(flipped)


def _doubled(rng: random.Random, body: bytes) -> bytes:
    return body + body


def _cell(rng: random.Random, body: bytes) -> bytes:
    """Put a nasty value in place of some numbers."""
    text = body.decode(errors="replace")
    places = [m.span() for m in re.finditer(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", text)]
    some = sorted(rng.sample(places, min(len(places), rng.choice((1, 1, 5, 50)))), reverse=True)
    for first, last in some:
        text = text[:first] + rng.choice(CELLS) + text[last:]
    return text.encode(errors="replace")


def _column(rng: random.Random, body: bytes) -> bytes:
    """Put one value in place of a whole column of a table."""
    lines = body.decode(errors="replace").splitlines()
    sign = "\t" if lines and "\t" in lines[-1] else ","
    which, value = rng.randrange(lines[-1].count(sign) + 1) if lines else 0, rng.choice(CELLS)
    changed = []
    for number, line in enumerate(lines):
        cells = line.split(sign)
        if which < len(cells) and not line.startswith("#"):
            cells[which] = value if number > 1 else cells[which]
        changed.append(sign.join(cells))
    return "\n".join(changed).encode(errors="replace")


def _header(rng: random.Random, body: bytes) -> bytes:
    """Rename or double what the first lines name."""
    lines = body.decode(errors="replace").splitlines()
    row = rng.randrange(min(2, len(lines))) if lines else 0
    if lines:
        words = re.findall(r"\w+", lines[row]) or ["a"]
        one, other = rng.choice(words), rng.choice([*words, "zzz", "", "\x1b[31m", "a" * 3000])
        lines[row] = lines[row].replace(one, other)
    return "\n".join(lines).encode(errors="replace")


def _some_lines(rng: random.Random, body: bytes) -> bytes:
    """Keep few lines, some of them more than once."""
    lines = body.split(b"\n")
    head, rest = lines[:1], lines[1:]
    few = rng.choices(rest, k=rng.choice((0, 1, 2, 4, 9))) if rest else []
    return b"\n".join([*head, *few, b""])


def _member(rng: random.Random, body: bytes) -> bytes:
    """Put a nasty value at some place of a JSON document, or take it out."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return _flipped(rng, body)
    place, key = document, None
    while isinstance(place, dict | list) and place:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key, above = rng.choice(keys), place
        place = place[key]
        if rng.random() < 0.3:
            break
    if key is not None:
        if rng.random() < 0.2:
            del above[key]
        else:
            above[key] = rng.choice(VALUES)
    return json.dumps(document).encode()


def _records(rng: random.Random, body: bytes) -> bytes:
    """Damage a member of some records of JSON lines."""
    lines = body.split(b"\n")
    for _ in range(rng.choice((1, 5))):
        place = rng.randrange(len(lines))
        lines[place] = _member(rng, lines[place])
    return b"\n".join(lines)


Way = Callable[[random.Random, bytes], bytes]
BYTES: tuple[Way, ...] = (
    _cut, _cut, _flipped, _flipped, _doubled,
    lambda rng, body: b"",
    lambda rng, body: b"\0" * 100 + body,
    lambda rng, body: b"\xef\xbb\xbf" + body,
    lambda rng, body: gzip.compress(body),
    lambda rng, body: gzip.compress(body)[:-9],
    lambda rng, body: rng.randbytes(300),
    lambda rng, body: b"[" * 20_000,
    lambda rng, body: body.decode(errors="replace").encode("utf-16"),
)  # fmt: skip
TABLE: tuple[Way, ...] = (_cell, _cell, _column, _column, _header, _header, _some_lines)
WAYS: dict[str, tuple[Way, ...]] = {
    ".csv": TABLE, ".tsv": TABLE, ".jsonl": (_records, _records, _cell, _header, _some_lines),
    ".json": (_member,),
}  # fmt: skip
