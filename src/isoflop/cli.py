"""The commands as a program: data on stdout, talk on stderr, and an exit code that says why.

0 an answer, which may be doubtful; 1 refused by the data; 2 a request that cannot be met as
asked; 3 something outside is missing or failing; 4 an alert; 70 our bug; 75 try again later;
130 interrupted.
"""

from __future__ import annotations

import contextlib
import errno
import inspect
import os
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from isoflop import commands
from isoflop.commands.registry import SEVERAL, Command, Parameter, explanation
from isoflop.errors import (
    EnvironmentFailure,
    IsoflopError,
    RefusedByData,
    UnknownName,
    UsageError,
    brief,
)
from isoflop.terminal import say

if TYPE_CHECKING:
    from isoflop.report import Report

ABOUT = "The laboratory for neural scaling laws: runs, law, fit, assess, forecast, plan, report."
FIRST = """\b
'isoflop COMMAND --help' says what a command takes, with an example that runs:
  isoflop fit sample:tiny --law chinchilla"""
ENVIRONMENT, ALERT, BUG, INTERRUPTED = EnvironmentFailure.exit_code, 4, 70, 130

PAGE = Parameter("html", "text", "Also write the report as a web page.", "FILE", None, False)

# Every refusal of the parser is one; the class has no public name of its own.
Misuse = typer.BadParameter.__bases__[0]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program on `arguments`, those of the process unless given; return its exit code."""
    argv = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in argv
    with _stoppable(), _plain_text(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # doubts are notes of a report, never lines on stderr
        try:
            _refuse_closed_output()
            _refuse_unprintable(argv)
            if as_json and "--help" in argv:
                return _write_help([word for word in argv if not word.startswith("-")])
            program = _program(frozenset((*argv, *_words_before_tab())))
            bare = not argv or (len(argv) == 1 and argv[0] in commands.groups())
            called = [*argv, "--help"] if bare else argv
            result = program(called, prog_name="isoflop", standalone_mode=False)
            code = result() if callable(result) else int(result or 0)
            sys.stdout.flush()
            return code
        except (BrokenPipeError, SystemExit):  # Typer leaves by the latter when a help is cut off
            _forget_stdout()
            return 0  # whoever read it has enough
        except BaseException as failure:
            code, sentence = _explain(failure, argv)
            return _fail(code, sentence, as_json)


def _write_help(words: Sequence[str]) -> int:
    """Write as JSON what the help of a command, of a group or of all commands says."""
    from isoflop.commands.schema import help_document

    name = " ".join(words)
    names = [n for n in commands.every() if f"{n} ".startswith(f"{name} ".lstrip())]
    if not names:
        raise UnknownName("command", name, commands.every())
    _write_json(help_document(names, _version()))
    return 0


def _words_before_tab() -> list[str]:
    """Return the words of a command line that a shell asks to complete; none otherwise."""
    names = ("COMP_WORDS", "_TYPER_COMPLETE_ARGS")  # of bash, and of the other shells
    return " ".join(os.environ.get(name, "") for name in names).split()


def _refuse_closed_output() -> None:
    """Refuse to compute what could not be shown, and leave no closed handle for a file to take.

    Raises EnvironmentFailure if standard output is closed.
    """
    if sys.stdout is not None and sys.stderr is not None:
        return
    while (handle := os.open(os.devnull, os.O_RDWR)) <= 2:
        continue
    os.close(handle)
    closed = sys.stdout is None
    sys.stdout, sys.stderr = (
        stream or os.fdopen(number, "w", closefd=False)
        for number, stream in ((1, sys.stdout), (2, sys.stderr))
    )
    if closed:
        raise EnvironmentFailure("standard output is closed; send it to a file, or to /dev/null")


def _refuse_unprintable(texts: Sequence[str]) -> None:
    """Raise UsageError for a character that no file and no page can hold."""
    for text in texts:
        with contextlib.suppress(UnicodeEncodeError):
            os.fsencode(text)
            if "\0" not in text:
                continue
        raise UsageError(f"an argument holds a character that no text can: {brief(text)}")


def _fail(code: int, sentence: str, as_json: bool) -> int:
    """Say why on stderr, and with --json on stdout too; return the exit code."""
    with contextlib.suppress(OSError):
        say(f"isoflop: {sentence}")
    try:
        if as_json:
            refused = {"status": "refused"} if code == RefusedByData.exit_code else {}
            _write_json({**refused, "error": sentence})
        sys.stdout.flush()
    except OSError:
        _forget_stdout()
    return code


def _explain(failure: BaseException, argv: Sequence[str]) -> tuple[int, str]:
    """Return the exit code of a failure, and the sentence that a person gets."""
    match failure:
        case IsoflopError():
            return failure.exit_code, str(failure)
        case Misuse():  # type: ignore[misc]
            return UsageError.exit_code, _misread(failure)
        case KeyboardInterrupt() | typer.Abort():
            return INTERRUPTED, "interrupted; what was finished is kept, and the same call goes on"
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return ENVIRONMENT, "the disk is full; free some space and run this again"
        case OSError():
            where = f"{failure.filename}: " if failure.filename else ""
            return ENVIRONMENT, f"{where}{(failure.strerror or str(failure)).lower()}"
        case MemoryError():
            return ENVIRONMENT, "not enough memory; use fewer --draws, or fewer runs with --where"
        case _ if answer := _unusable(failure):
            return answer
        case _:
            return BUG, _record(failure, argv)


def _unusable(failure: BaseException) -> tuple[int, str] | None:
    """Return the exit code and the sentence for values that nothing can be made of."""
    if isinstance(failure, UnicodeEncodeError):
        part = brief(failure.object[max(0, failure.start - 20) : failure.end + 20])
        return UsageError.exit_code, f"{part} is not Unicode, so no page can show it; rename it"
    # NumPy's own error has no name here, so that what needs no numbers need not import it.
    if isinstance(failure, OverflowError | FloatingPointError | RecursionError) or (
        type(failure).__name__ == "LinAlgError"
    ):
        return RefusedByData.exit_code, (
            f"these numbers cannot be computed with ({failure}); look for runs or inputs that are "
            "all alike, or far too large or too small"
        )
    return None


def _misread(failure: Any) -> str:
    """Return what the parser could not read, and where help is."""
    where = f" (see '{failure.ctx.command_path} --help')" if failure.ctx is not None else ""
    return f"{failure.format_message().rstrip('.')}{where}"


def _record(failure: BaseException, argv: Sequence[str]) -> str:
    """Write the traceback to a file and return an apology that says where it is."""
    what = f"{type(failure).__name__}: {failure}"
    try:
        handle, path = tempfile.mkstemp(prefix="isoflop-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"isoflop {_version()}, called with {list(argv)}\n\n")
            file.writelines(traceback.format_exception(failure))
    except OSError:
        return f"sorry, this is a bug of isoflop ({what})"
    return f"sorry, this is a bug of isoflop; please report it with {path} ({what})"


class _Contents(TyperGroup):
    """The program, whose commands are listed by sections."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands, all in one column."""
        wide = max(map(len, self.commands))
        for section, names in commands.sections(self.commands):
            with formatter.section(section):
                rows = ((name, self.commands[name].get_short_help_str()) for name in names)
                formatter.write_dl([(name.ljust(wide), words) for name, words in rows])


def _program(words: Set[str]) -> Callable[..., Any]:
    """Return the program that the registered commands make, to be asked in `words`.

    Only a command whose name is among them is imported and gets its options: that is slow.
    """
    style: dict[str, Any] = {"rich_markup_mode": None, "add_completion": False}
    program = typer.Typer(cls=_Contents, epilog=FIRST, **style | {"add_completion": True})
    program.callback(help=ABOUT)(_options)
    groups = {"": program}
    registry = commands.every()
    for name in registry:
        group, _, word = name.rpartition(" ")
        if group not in groups:
            about = commands.groups().get(group, "")
            groups[group] = typer.Typer(help=about, short_help=about, **style)
            program.add_typer(groups[group], name=group)
        add = groups[group].command
        if not words >= set(name.split()):
            add(word, short_help=commands.summary(name))(_unasked)
            continue
        command = registry[name]
        add(word, help=command.explanation, epilog=_example(command))(_callback(command))
    return typer.main.get_command(program)


def _say_version(value: bool) -> None:
    if value:
        print(f"isoflop {_version()}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version, and exit.", is_eager=True, callback=_say_version
        ),
    ] = False,
) -> None:
    """Take the options that come before any command."""


def _unasked() -> None:
    """Stand for a command that was not asked for, in the list of commands."""


def _example(command: Command) -> str:
    return f"\b\nExample:\n  {command.example}"


def _callback(command: Command) -> Callable[..., Callable[[], int]]:
    """Return the function behind a command, with the signature from which Typer makes options."""
    parameters = {p.name: p for p in command.parameters}

    def ask(**values: Any) -> Callable[[], int]:
        """Return what is to be done; it is done outside of Typer, which has its own exit codes."""
        as_json = values.pop("json")
        texts = {k: _texts(v) for k, v in values.items() if v is not None and v not in (False, [])}
        html = PAGE.read(texts.pop("html")) if "html" in texts else None
        return lambda: _show(command(texts), as_json, html)

    entries = [_entry(p, parameters) for p in parameters.values()] + [
        _keyword("json", bool, False, typer.Option("--json", help="Print JSON, and nothing else.")),
        _keyword(
            "html",
            list[str] | None,
            None,
            typer.Option(PAGE.shown, metavar=PAGE.metavar, help=PAGE.help),
        ),
    ]
    ask.__signature__ = inspect.Signature(entries)  # type: ignore[attr-defined]
    ask.__annotations__ = {e.name: e.annotation for e in entries}
    return ask


def _entry(parameter: Parameter, parameters: Mapping[str, Parameter]) -> inspect.Parameter:
    """Return the entry of a signature that Typer turns into this parameter."""
    standard = f" [default: {parameter.standard}]" if parameter.standard else ""
    words = f"{explanation(parameter, parameters)}{standard}"
    settings: dict[str, Any] = {"help": words, "show_default": False}
    if parameter.kind != "flag":
        settings["metavar"] = "|".join(parameter.choices) or parameter.metavar
    if parameter.positional:
        marker = typer.Argument(**settings)
    else:
        marker = typer.Option(parameter.shown, **settings)
    annotation: Any = bool if parameter.kind == "flag" else list[str] | None
    if parameter.positional and parameter.kind not in SEVERAL:
        annotation = str | None
    default: Any = False if parameter.kind == "flag" else None
    if parameter.required:
        annotation = str if parameter.positional else list[str]
        default = inspect.Parameter.empty
    return _keyword(parameter.name, annotation, default, marker)


def _keyword(name: str, annotation: Any, default: Any, marker: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[annotation, marker],
    )


def _texts(value: str | bool | list[str]) -> list[str]:
    return value if isinstance(value, list) else [str(value)]


def _show(report: Report, as_json: bool, html: str | None) -> int:
    """Print a report, or its data, write its page, and return the exit code."""
    if html is not None:
        from isoflop.report.html import save

        say(f"wrote {save(report, html)}")
    if as_json:
        _write_json(report.data)
    else:
        from isoflop.report.text import printed

        sys.stdout.write(printed(report))
    return ALERT if report.alarmed else RefusedByData.exit_code if report.refused else 0


def _write_json(data: Any) -> None:
    from isoflop.report.number_format import as_json

    print(as_json(data))


def _version() -> str:
    from isoflop.report.html import version

    return version()


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """Let a request to terminate end the program as Ctrl-C does, with everything put away."""

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _plain_text() -> Iterator[None]:
    """Let a terminal that lacks a character show a stand-in for it."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    yield


def _forget_stdout() -> None:
    """Send what is left in the buffer nowhere, so that the interpreter ends in peace."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
