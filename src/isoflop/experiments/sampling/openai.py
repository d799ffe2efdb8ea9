"""Samples from any server that speaks OpenAI's protocol: vLLM, llama.cpp, Ollama, hosted ones."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from isoflop.experiments.sampling.messages import Answered, Drawing, Request, Response
from isoflop.network.reply import LARGEST, finite
from isoflop.network.secret import Secret
from isoflop.network.server import Server
from isoflop.store import JSON

Api: TypeAlias = Literal["completions", "chat"]
BYTES = 1024  # of an answer that a token takes at most, with the log-probabilities of others
MOST = 2**28  # bytes of an answer, however many tokens are asked for
COUNTABLE = 2**53  # what a server counts above is no count
LIKELY = (-1e6, 1e-3)  # log-probabilities that can be, but for rounding
_PATHS: Mapping[Api, str] = {"completions": "/completions", "chat": "/chat/completions"}


@dataclass
class OpenAI:
    """A model behind a server. `extra` are further fields of a request; null takes one out.

    With the model's parameters, `N` [params], its FLOP are 2N a token.
    """

    server: Server
    model: str
    drawing: Drawing
    api: Api = "completions"
    extra: Mapping[str, JSON] = field(default_factory=dict)
    N: float | None = None

    @property
    def at_once(self) -> int:
        """How many requests may be under way together."""
        return self.server.manners.at_once

    def describe(self) -> dict[str, JSON]:
        """Return what a sample depends on."""
        return {
            "backend": "http",
            "model": self.model,
            "api": self.api,
            "extra": {n: _without(self.server.secret, v) for n, v in self.extra.items()},
            "temperature": self.drawing.temperature,
            "max tokens": self.drawing.most,
            "stop": list(self.drawing.stop),
        }

    def load(self) -> None:
        """Need nothing."""

    async def answer(self, request: Request) -> Answered:
        """Return what the server answers."""
        began = time.monotonic()
        count = len(request.numbers)
        result = await self.server.post(
            _PATHS[self.api],
            self._body(request),
            lambda payload: self._read(payload, count),
            min(LARGEST + count * self.drawing.most * BYTES, MOST),
        )
        return Answered(
            result.responses, result.prompt_tokens, result.prompt_flop, time.monotonic() - began
        )

    async def close(self) -> None:
        """Close every connection."""
        await self.server.close()

    def _body(self, request: Request) -> dict[str, Any]:
        prompt = request.problem.prompt
        body: dict[str, Any] = (
            {"prompt": prompt}
            if self.api == "completions"
            else {"messages": [{"role": "user", "content": prompt}]}
        )
        body |= {
            "model": self.model,
            "max_tokens": self.drawing.most,
            "seed": request.seed,
            "temperature": self.drawing.temperature,
        }
        if len(request.numbers) > 1:
            body["n"] = len(request.numbers)
        if self.drawing.stop:
            body["stop"] = list(self.drawing.stop)
        body |= self.extra
        return {name: value for name, value in body.items() if value is not None}

    def _read(self, payload: Any, count: int) -> Answered:
        """Return what a payload holds.

        Raises ValueError for one that holds no response.
        """
        if not isinstance(payload, dict) or not isinstance(payload.get("choices"), list):
            raise ValueError("the answer holds no choices")
        choices = payload["choices"][:count]
        if not choices:
            raise ValueError("the answer holds no choices")
        texts = [self._text(choice) for choice in choices]
        logs = [_logprobs(choice.get("logprobs")) for choice in choices]
        usage_field = payload.get("usage")
        usage = usage_field if isinstance(usage_field, dict) else {}
        tokens = _tokens(_count(usage.get("completion_tokens")), texts, logs, payload["choices"])
        prompt = _count(usage.get("prompt_tokens"))
        means = [sum(log) / len(log) if log else None for log in logs]
        responses = tuple(
            Response(self.drawing.cut(text), length, self._flop(length), mean)
            for text, length, mean in zip(texts, tokens, means, strict=True)
        )
        return Answered(responses, prompt, self._flop(prompt))

    def _text(self, choice: Any) -> str:
        if isinstance(choice, dict):
            holder = choice.get("message") if self.api == "chat" else choice
            name = "content" if self.api == "chat" else "text"
            if isinstance(holder, dict) and name in holder:
                text = holder[name]
                if text is None:  # all tokens went into thinking, or into a call
                    return ""
                if isinstance(text, str):  # half of a pair of surrogates is no text anywhere else
                    return text.encode(errors="replace").decode()
        raise ValueError("a choice holds no text")

    def _flop(self, tokens: int | None) -> float | None:
        return None if self.N is None or tokens is None else 2 * self.N * tokens


def _without(secret: Secret, value: JSON) -> JSON:
    """Return a field of a request without the key, which is written down nowhere."""
    text = json.dumps(value)
    return secret.masked(text) if secret.masked(text) != text else value


def _count(value: Any) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 <= value < COUNTABLE else None


def _logprobs(logprobs: Any) -> list[float]:
    """Return the log-probabilities of a choice's tokens, in either of the two forms in use."""
    values: Any = None
    if isinstance(logprobs, dict):
        content = logprobs.get("content")
        values = logprobs.get("token_logprobs")
        if isinstance(content, list):
            values = [c.get("logprob") for c in content if isinstance(c, dict)]
    if not isinstance(values, list):
        return []
    return [x for x in map(finite, values) if LIKELY[0] <= x <= LIKELY[1]]


def _tokens(
    total: int | None, texts: Sequence[str], logs: Sequence[Sequence[float]], choices: Sequence[Any]
) -> list[int | None]:
    """Return the tokens of each response.

    A server counts those of a request together. They are shared out by the log-probabilities
    that came with each, else by length of text, so that they add up to what was counted.
    """
    if total is None:
        return [len(log) or None for log in logs]
    if len(choices) > len(texts):  # more than were asked for: they were counted as well
        total = round(total * len(texts) / len(choices))
    weights = [len(log) for log in logs] if all(logs) else [len(text) + 1 for text in texts]
    shares = [total * sum(weights[: i + 1]) // sum(weights) for i in range(len(weights))]
    return [b - a for a, b in zip([0, *shares], shares, strict=False)]
