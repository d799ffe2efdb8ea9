"""A program of the user's that judges responses, in a process of its own and in limited time.

This is no sandbox: the program has every right that you have. If it runs what a model wrote, run
isoflop itself where that can do no harm, such as in a container without a network.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import shutil
import signal
import sys
from dataclasses import dataclass

from isoflop.errors import EnvironmentFailure, UsageError
from isoflop.experiments.sampling.messages import TextProblem

LONGEST = 86_400  # [s] that one verdict may take
RIGHT, WRONG = 0, 1  # exit codes; any other says that the program could not tell


@dataclass(frozen=True, slots=True)
class Program:
    """A command that reads JSON and judges by its exit code: 0 right, 1 wrong.

    It is given {"problem", "prompt", "answer", "response", "final"} on stdin. `seconds` is the
    most that one verdict may take; a response that takes longer is wrong.
    """

    command: tuple[str, ...]
    seconds: float = 10.0

    async def verdict(self, problem: TextProblem, response: str, final: str | None) -> bool | None:
        """Return whether a response is right, None where the program could not tell."""
        payload = {
            "problem": problem.name,
            "prompt": problem.prompt,
            "answer": problem.answer,
            "response": response,
            "final": final,
        }
        nothing = asyncio.subprocess.DEVNULL
        try:
            process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=asyncio.subprocess.PIPE,
                stdout=nothing,
                stderr=nothing,
                start_new_session=True,
            )
        except OSError as error:
            raise EnvironmentFailure(f"cannot run {self.command[0]}: {error.strerror}") from None
        try:
            async with asyncio.timeout(self.seconds):
                await process.communicate(json.dumps(payload).encode())
        except TimeoutError:
            return False
        finally:  # and whatever it started
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        return {RIGHT: True, WRONG: False}.get(process.returncode or 0)


def program(text: str, seconds: float) -> Program:
    """Return the program that a text names: a command, or FILE.py:FUNCTION.

    A function takes the problem's answer and the response, and returns whether it is right.
    Raises UsageError for a command that is not there.
    """
    if not 0 < seconds <= LONGEST:
        raise UsageError(
            f"a time limit of {seconds:g} s is none; it is above zero and at most {LONGEST:,} s"
        )
    file, colon, function = text.rpartition(":")
    if colon and file.endswith(".py") and function.isidentifier():
        return Program((sys.executable, __file__, file, function), seconds)
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"the command {text!r} cannot be read: {error}") from None
    if not words or "\0" in text or shutil.which(words[0]) is None:
        raise UsageError(f"there is no program {words[0] if words else text!r} to check with")
    return Program(tuple(words), seconds)


def _call(file: str, function: str) -> int:
    """Return the exit code for what a function of a file says of the response on stdin."""
    import runpy

    payload = json.load(sys.stdin)
    return WRONG - bool(runpy.run_path(file)[function](payload["answer"], payload["response"]))


if __name__ == "__main__":
    try:
        _code = _call(sys.argv[1], sys.argv[2])
    except Exception:  # a function that fails could not tell, and 1 would mean wrong
        _code = 2
    sys.exit(_code)
