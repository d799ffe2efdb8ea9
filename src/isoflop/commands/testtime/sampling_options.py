"""What samples are drawn from and judged by: the options of `testtime sample`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from isoflop.commands.registry import Option
from isoflop.errors import UsageError
from isoflop.files import parse_json

if TYPE_CHECKING:
    from isoflop.experiments.sampling.budget_forcing import BudgetForcing
    from isoflop.experiments.sampling.judges import Judge
    from isoflop.experiments.sampling.messages import Backend, Drawing
    from isoflop.experiments.sampling.problems import Exercise

OUTSIDE, SERVED = "backend=http|hf", "backend=http"

Where: TypeAlias = Annotated[
    Literal["embedded", "http", "hf"],
    Option("a small transformer trained here, a server, or transformers in process"),
]
Task: TypeAlias = Annotated[str, Option("chain, addition, gym:NAME or FILE.jsonl", "TASK")]
Problems: TypeAlias = Annotated[
    int | None, Option("32, or all of a file, unless given", least=1, most=10**6)
]
Samples: TypeAlias = Annotated[
    int, Option("of every problem, those that are there counted", least=1, most=10**6)
]
Model: TypeAlias = Annotated[
    str | None, Option("as the server calls it; a folder for hf", "NAME", needs=(OUTSIDE,))
]
Url: TypeAlias = Annotated[
    str | None,
    Option(
        "of an OpenAI-compatible server, such as http://127.0.0.1:8000/v1", "URL", needs=(SERVED,)
    ),
]
Api: TypeAlias = Annotated[
    Literal["completions", "chat"],
    Option("go on with a prompt, or answer it as a message", needs=(OUTSIDE,)),
]
KeyFrom: TypeAlias = Annotated[
    str,
    Option("environment variable that holds the server's key", "VARIABLE", needs=(SERVED,)),
]
Temperature: TypeAlias = Annotated[float, Option("of sampling")]
MaxTokens: TypeAlias = Annotated[
    int | None,
    Option("of a response; 256 unless given", least=1, most=10**7, needs=(OUTSIDE,)),
]
Stop: TypeAlias = Annotated[
    tuple[str, ...], Option("a response ends before this; \\n is a line", needs=(OUTSIDE,))
]
Width: TypeAlias = Annotated[
    int | None, Option("samples per request; 8, embedded 64", least=1, most=10_000)
]
AtOnce: TypeAlias = Annotated[
    int, Option("requests to a server under way together", least=1, most=1000, needs=(SERVED,))
]
Timeout: TypeAlias = Annotated[
    float, Option("seconds after which a request has failed", needs=(SERVED,))
]
Tries: TypeAlias = Annotated[
    int, Option("of a request before it is given up", least=1, most=100, needs=(SERVED,))
]
Extra: TypeAlias = Annotated[
    Mapping[str, str] | None,
    Option(
        "further fields of requests, such as top_p=0.9; null takes one out",
        "NAME=VALUE",
        needs=(SERVED,),
    ),
]
Parameters: TypeAlias = Annotated[
    float | None,
    Option("of a server's model, active ones, to count FLOP at 2N a token", needs=(SERVED,)),
]
Again: TypeAlias = Annotated[
    int,
    Option("times that the end of a response is suppressed, and more asked for", most=100),
]
AgainText: TypeAlias = Annotated[
    str, Option("what is put in place of the end", "TEXT", needs=("again",))
]
Limit: TypeAlias = Annotated[
    int | None, Option("tokens of thinking, which --end then cuts off", "TOKENS")
]
End: TypeAlias = Annotated[str, Option("what ends thinking, such as '</think>'", "TEXT")]
AnswerText: TypeAlias = Annotated[
    str,
    Option(
        "what is put behind --end to ask for the answer, such as 'Final Answer:'",
        "TEXT",
        needs=("end",),
    ),
]
Check: TypeAlias = Annotated[
    str | None,
    Option("judge by a command, or FILE.py:FUNCTION; it is not sandboxed", "PROGRAM"),
]
TimeLimit: TypeAlias = Annotated[
    float, Option("seconds for --check; longer is wrong", needs=("check",))
]
Reward: TypeAlias = Annotated[
    Mapping[str, str] | None,
    Option("score by a reward model: its URL, or hf:FOLDER in process", "NAME=MODEL"),
]
Columns: TypeAlias = Annotated[
    Mapping[str, str] | None,
    Option("fields of FILE: problem, answer, id", "PART=FIELD", needs=("task",)),
]
Lineage: TypeAlias = Annotated[
    str | None, Option("what these samples are called in the bank", "NAME")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictOptions:
    """Who judges."""

    reward: Reward = None
    check: Check = None
    time_limit: TimeLimit = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ForcingOptions:
    """How lengths of responses are forced."""

    again: Again = 0
    again_text: AgainText = "Wait"
    limit: Limit = None
    end: End = ""
    answer: AnswerText = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingOptions:
    """Everything that decides how samples are drawn."""

    backend: Where = "embedded"
    model: Model = None
    url: Url = None
    api: Api = "completions"
    key_from: KeyFrom = "ISOFLOP_API_KEY"
    temperature: Temperature = 1.0
    max_tokens: MaxTokens = None
    stop: Stop = ()
    at_once: AtOnce = 8
    timeout: Timeout = 120.0
    tries: Tries = 6
    set_: Extra = None
    params: Parameters = None
    seed: Annotated[int, Option("of the problems and of the samples", "SEED")] = 0

    def check(self) -> None:
        """Refuse what the backend could make nothing of."""
        served = {"--url": self.url, "--params": self.params, "--set": self.set_}
        if self.backend != "http" and (idle := [name for name, value in served.items() if value]):
            raise UsageError(f"{idle[0]} is for --backend http")
        if self.backend == "embedded" and (self.model or self.stop or self.max_tokens):
            raise UsageError(
                "--model, --stop and --max-tokens are for --backend http and hf; the small "
                "transformer is what it is"
            )
        if self.backend != "embedded" and not self.model:
            raise UsageError(f"--backend {self.backend} needs a --model")
        if self.backend == "http" and not self.url:
            raise UsageError("--backend http needs the --url of a server")

    @property
    def lineage(self) -> str:
        """What the samples are called unless the user says so."""
        model = Path(self.model).name if self.model else "small transformer"
        return f"{model}, T={self.temperature:g}, seed={self.seed}"

    def ready(
        self, task: str, problems: int | None, columns: Mapping[str, str] | None
    ) -> tuple[Exercise, Backend]:
        """Return the problems, and what answers them."""
        if self.backend == "embedded":
            return self._embedded(task, problems)
        from isoflop.experiments.sampling.messages import Drawing
        from isoflop.experiments.sampling.problems import exercise

        if task == "chain":
            raise UsageError("chain is a task of the embedded model; say --task addition")
        problem_set = exercise(task, problems, self.seed, columns)
        stop = tuple(map(unescaped, self.stop))
        drawing = Drawing(self.temperature, self.max_tokens or 256, stop or problem_set.stop)
        if self.backend == "http":
            return problem_set, self._server(drawing)
        from isoflop.experiments.sampling.huggingface import HuggingFace

        return problem_set, HuggingFace(str(self.model), drawing, self.api == "chat")

    def _embedded(self, task: str, problems: int | None) -> tuple[Exercise, Backend]:
        from isoflop.experiments.sampling.embedded import Embedded, chains

        if task != "chain":
            raise UsageError(f"the embedded model knows chain, not {task!r}; say --backend http")
        if problems == 0:
            raise UsageError("--problems is 0; at least 1 is needed")
        problem_set, rows = chains(problems or 32, self.seed)
        return problem_set, Embedded(rows, self.seed, self.temperature)

    def _server(self, drawing: Drawing) -> Backend:
        from isoflop.experiments.sampling.http_client import Manners, Server, key_from
        from isoflop.experiments.sampling.openai import OpenAI

        key = key_from(self.key_from)
        manners = Manners(self.at_once, self.timeout, self.tries, key=key)
        extra = {name: _json(text) for name, text in (self.set_ or {}).items()}
        server = Server(str(self.url), manners)
        return OpenAI(server, str(self.model), drawing, self.api, extra, self.params)


def forcing(sampling: SamplingOptions, options: ForcingOptions) -> BudgetForcing | None:
    """Return how lengths are to be forced, None where they are not.

    Raises UsageError where a response cannot be gone on with.
    """
    if not options.again and options.limit is None:
        if options.end:
            raise UsageError("--end is for --again and --limit")
        return None
    if sampling.backend == "embedded" or sampling.api == "chat":
        raise UsageError(
            "--again and --limit go on with a response: give --backend http or hf, and --api "
            "completions; 'isoflop testtime demo' forces the small transformer"
        )
    from isoflop.experiments.sampling.budget_forcing import BudgetForcing
    from isoflop.experiments.testtime import TokenBudget

    return BudgetForcing(
        TokenBudget(options.again, options.limit),
        unescaped(options.again_text),
        unescaped(options.end),
        unescaped(options.answer),
    )


def unescaped(text: str) -> str:
    r"""Return a text whose \n and \t are lines and tabs."""
    return text.replace("\\n", "\n").replace("\\t", "\t")


def judge(
    exercise: Exercise, check: str | None, seconds: float, rewards: Mapping[str, str]
) -> Judge:
    """Return what judges responses: the exercise, or a program; and reward models besides."""
    from isoflop.experiments.sampling.judges import Judge
    from isoflop.experiments.sampling.program_judge import program
    from isoflop.experiments.sampling.reward_model import scorer_of

    judged_by = program(check, seconds) if check else None
    return Judge(exercise, judged_by, {name: scorer_of(text) for name, text in rewards.items()})


def _json(text: str) -> Any:
    """Return what a text means as JSON, or itself."""
    try:
        return parse_json(text)
    except ValueError:
        return text
