"""The house holds: short parts that say what they do, and a start that costs little.

Layers are held by import-linter, complexity by ruff, types by mypy.
"""

from __future__ import annotations

import ast
import graphlib
import os
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "isoflop"
VAGUE = {"utils", "util", "common", "helpers", "helper", "core", "base", "manager", "misc"}
VAGUE |= {"reading", "asking"}
# Participles and adverbs name no thing: the field's word says which (residual, draw, train, input).
NO_NOUNS = {
    *("ahead", "along", "asked", "beside", "carried", "drawn", "filled", "found", "given", "heard"),
    *("held", "judged", "kept", "known", "left", "made", "opened", "own", "pursued", "said"),
    *("seen", "shown", "spent", "taught", "told", "tried"),
}
UNFINISHED = ("TODO", "FIXME", "XXX")
HEAVY = {"torch", "scipy", "pyarrow", "plotly", "pandas", "polars", "jinja2", "httpx"}
ISOFLOP = str(Path(sys.executable).with_name("isoflop"))
NUMPY = [sys.executable, "-c", "import numpy"]

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.AST) -> Iterator[Function]:
    """Yield every function, however deep."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def public_functions(body: Sequence[ast.stmt]) -> Iterator[Function]:
    """Yield the functions and methods that others may call by name, without their overloads."""
    for node in body:
        if isinstance(node, Function | ast.ClassDef) and not is_hidden(node):
            if isinstance(node, ast.ClassDef):
                yield from public_functions(node.body)
            else:
                yield node


def is_hidden(node: Function | ast.ClassDef) -> bool:
    decorators = {getattr(d, "id", None) for d in node.decorator_list}
    return node.name.startswith("_") or "overload" in decorators


def long_functions(tree: ast.Module) -> list[str]:
    lengths = {f.name: body_lines(f) for f in functions(tree)}
    return [f"{name} has {n} lines; 65 is the most" for name, n in lengths.items() if n > 65]


def body_lines(function: Function) -> int:
    """Return the lines of a function behind its signature and its docstring."""
    first = function.body[bool(ast.get_docstring(function)) :] or function.body
    return (function.end_lineno or 0) - first[0].lineno + 1


def unannotated(tree: ast.Module) -> list[str]:
    found = []
    for f in public_functions(tree.body):
        arguments = [*f.args.posonlyargs, *f.args.args, *f.args.kwonlyargs]
        bare = [a.arg for a in arguments if a.annotation is None and a.arg not in ("self", "cls")]
        if bare or f.returns is None:
            found.append(f"{f.name} lacks annotations: {', '.join(bare) or 'return'}")
    return found


def undocumented(tree: ast.Module) -> list[str]:
    documented = [("the module", tree), *((f.name, f) for f in public_functions(tree.body))]
    return [f"{name} has no docstring" for name, node in documented if not ast.get_docstring(node)]


def stubs(tree: ast.Module) -> list[str]:
    raised = (n.exc for n in ast.walk(tree) if isinstance(n, ast.Raise) and n.exc)
    return ["raises NotImplementedError" for e in raised if "NotImplementedError" in ast.dump(e)]


def swallowed(tree: ast.Module) -> list[str]:
    handlers = (n for n in ast.walk(tree) if isinstance(n, ast.ExceptHandler))
    return [
        f"line {h.lineno} swallows an error"
        for h in handlers
        if h.type is None or (len(h.body) == 1 and isinstance(h.body[0], ast.Pass))
    ]


def is_published(statement: ast.stmt) -> bool:
    """Say whether a statement records a published set, or several in a loop."""
    if isinstance(statement, ast.For):
        return all(map(is_published, statement.body))
    value = getattr(statement, "value", None)
    return isinstance(value, ast.Call) and getattr(value.func, "id", None) == "published"


def counted_lines(path: Path) -> int:
    """Return the lines of a module; of a law, less its published sets and what leads up to each."""
    text = path.read_text()
    lines = len(text.splitlines())
    if not is_law(path):
        return lines
    body, end = ast.parse(text).body, 0
    for statement in body:
        start, end = end, statement.end_lineno or 0
        lines -= (end - start) * is_published(statement)
    return lines


def is_law(path: Path) -> bool:
    return path.parent.name == "laws" and path.name != "__init__.py"


def modules() -> list[Path]:
    found = sorted(SOURCE.rglob("*.py"))
    assert found, f"no modules under {SOURCE}"
    return found


@pytest.mark.parametrize(
    "offences",
    [long_functions, unannotated, undocumented, stubs, swallowed],
    ids=lambda f: f.__name__,
)
def test_no_module_offends(offences):
    found = [
        f"{path.relative_to(SOURCE)}: {offence}"
        for path in modules()
        for offence in offences(ast.parse(path.read_text()))
    ]
    assert not found, "\n".join(found)


def test_modules_and_laws_are_short():
    most = {path: 90 if is_law(path) else 420 for path in modules()}
    long = [
        f"{p.relative_to(SOURCE)}: {counted_lines(p)}" for p in most if counted_lines(p) > most[p]
    ]
    assert not long, "\n".join(long)


def test_names_say_what_is_inside():
    named = {path: {path.stem, *path.relative_to(SOURCE).parent.parts} for path in modules()}
    assert not [str(path) for path, names in named.items() if names & VAGUE]


def bound_names(tree: ast.Module) -> Iterator[str]:
    """Yield the names of classes, and of what is assigned or looped over."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield node.name.lower()
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def test_variables_and_classes_are_nouns():
    offences = [
        f"{path.relative_to(SOURCE)}: {name}"
        for path in modules()
        for name in bound_names(ast.parse(path.read_text()))
        if name in NO_NOUNS
    ]
    assert not offences, "\n".join(offences)


def test_a_class_name_means_one_class():
    homes: dict[str, list[str]] = {}
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name, []).append(str(path.relative_to(SOURCE)))
    several = {name: places for name, places in homes.items() if len(places) > 1}
    assert len(several) <= 5, several


def imports(source: Path) -> dict[Path, set[Path]]:
    """Return which files of a package each file imports, at the top, in a function or for types.

    An `__init__` that only hands names on is no file of its own: what it names is elsewhere.
    """
    trees = {path: ast.parse(path.read_text()) for path in sorted(source.rglob("*.py"))}
    names = {}
    for path in trees:
        parts = [source.name, *path.relative_to(source).with_suffix("").parts]
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    graph: dict[Path, set[Path]] = {}
    for path, tree in trees.items():
        targets = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                targets |= {names.get(alias.name) for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                whole = names.get(node.module)
                targets |= {names.get(f"{node.module}.{a.name}", whole) for a in node.names}
        graph[path] = {t for t in targets if t not in (None, path) and not is_face(t, trees[t])}
    return graph


def is_face(path: Path, tree: ast.Module) -> bool:
    defines = any(isinstance(node, Function | ast.ClassDef) for node in tree.body)
    return path.name == "__init__.py" and not defines


def test_no_file_imports_itself_through_others():
    """Neither at the top, nor in a function, nor for types alone."""
    graphlib.TopologicalSorter(imports(SOURCE)).prepare()


@pytest.mark.parametrize(
    "lazily", ["def f():\n    from house.a import A", "if TYPE_CHECKING:\n    import house.a"]
)
def test_a_circle_of_imports_is_found(tmp_path, lazily):
    house = tmp_path / "house"
    house.mkdir()
    (house / "__init__.py").write_text("from house.a import A\n")
    (house / "a.py").write_text("from house.b import B\n")
    (house / "b.py").write_text("B = 1\n")
    graphlib.TopologicalSorter(imports(house)).prepare()
    (house / "b.py").write_text(f"{lazily}\n")
    with pytest.raises(graphlib.CycleError):
        graphlib.TopologicalSorter(imports(house)).prepare()


def test_nothing_is_left_to_do():
    assert not [str(p) for p in modules() if any(word in p.read_text() for word in UNFINISHED)]


@pytest.mark.parametrize(
    ("offences", "code"),
    [
        (long_functions, "def f():\n" + "    x = 1\n" * 66),
        (unannotated, "class A:\n    def f(self, x) -> int: ..."),
        (undocumented, '"""A module."""\ndef f() -> int: ...'),
        (stubs, "def f():\n    raise NotImplementedError"),
        (swallowed, "try:\n    f()\nexcept OSError:\n    pass"),
    ],
)
def test_the_checks_find_what_they_look_for(offences, code):
    assert len(offences(ast.parse(code))) == 1


def test_published_sets_do_not_count_as_lines_of_a_law(tmp_path):
    law = tmp_path / "laws" / "form.py"
    law.parent.mkdir()
    law.write_text('"""A law."""\n\n# Printed in 2024.\nfirst = published(\n    "a",\n)\nx = 1\n')
    assert counted_lines(law) == 2
    law.write_text('"""A law."""\nfor a in (\n    1,\n    2,\n):\n    published(a)\nx = 1\n')
    assert counted_lines(law) == 2


def cpu_seconds(command: list[str]) -> float:
    """Return the processor time [s] of a command, which neighbours disturb less than the clock."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize(
    ("command", "most"),
    [
        ([sys.executable, "-c", "import isoflop"], 1.5),
        ([ISOFLOP, "--help"], 4),
        ([ISOFLOP, "laws"], 8),
    ],
    ids=["import isoflop", "isoflop --help", "isoflop laws"],
)
def test_start_costs_little_more_than_numpy(command, most):
    pairs = [(cpu_seconds(NUMPY), cpu_seconds(command)) for _ in range(5)]
    numpy, ours = (min(times) for times in zip(*pairs, strict=True))
    assert ours <= most * numpy, f"{ours / numpy:.1f} times `import numpy`; {most} is the most"


@pytest.mark.parametrize(
    ("command", "heavy"),
    [
        (["-c", "import isoflop"], HEAVY | {"rich", "pydantic", "narwhals", "typer"}),
        ([ISOFLOP, "--help"], HEAVY | {"rich", "numpy"}),
    ],
    ids=["import isoflop", "isoflop --help"],
)
def test_heavy_libraries_wait_until_they_are_used(command, heavy):
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *command], check=True, capture_output=True, text=True
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "site" in imported
    assert not imported & heavy
