"""A causal language model from Hugging Face, sampled in this process."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from isoflop.errors import EnvironmentFailure, MissingExtra
from isoflop.experiments.sampling.messages import Answered, Drawing, Request, Response
from isoflop.store import JSON


@dataclass
class HuggingFace:
    """A model by its name, its folder, or a .gguf file; `chat` puts prompts into its template.

    FLOP are two for each parameter but the embedding's and token, and four for each channel,
    layer and token attended to; the prompt is shared by the samples of a request.
    """

    model: str
    drawing: Drawing
    chat: bool = False
    at_once: int = 1

    def describe(self) -> dict[str, JSON]:
        """Return what a sample depends on."""
        return {
            "backend": "hf",
            "model": self.model,
            "chat": self.chat,
            "temperature": self.drawing.temperature,
            "max tokens": self.drawing.most,
            "stop": list(self.drawing.stop),
        }

    @cached_property
    def loaded(self) -> tuple[Any, Any]:
        """The tokenizer and the network, loaded at first use.

        Raises MissingExtra without transformers, EnvironmentFailure for no such model.
        """
        try:
            import torch
            from transformers import AutoModelForCausalLM, AutoTokenizer
            from transformers.utils import logging
        except ImportError:
            raise MissingExtra("sampling in process", "hf") from None
        quiet: Any = logging  # without types
        quiet.disable_progress_bar()  # there is one already
        path = Path(self.model)
        where: dict[str, Any] = {"gguf_file": path.name} if path.suffix == ".gguf" else {}
        name = str(path.parent) if where else self.model
        try:
            tokenizer = AutoTokenizer.from_pretrained(name, **where)
            network: Any = AutoModelForCausalLM.from_pretrained(name, **where)
        except (OSError, ValueError, ImportError) as error:
            why = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise EnvironmentFailure(f"cannot load {self.model!r}: {why}") from None
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token_id = network.config.eos_token_id or 0
        return tokenizer, network.eval().to("cuda" if torch.cuda.is_available() else "cpu")

    def load(self) -> None:
        """Load the model."""
        _ = self.loaded

    async def answer(self, request: Request) -> Answered:
        """Return sampled responses; on one machine, the same request gives the same ones."""
        interrupted = threading.Event()
        try:
            return await asyncio.to_thread(self._draw, request, interrupted)
        finally:  # a thread that nobody waits for ends with its next token
            interrupted.set()

    async def close(self) -> None:
        """Hold nothing."""

    def _draw(self, request: Request, interrupted: threading.Event) -> Answered:
        import torch
        from transformers import StoppingCriteriaList

        tokenizer, network = self.loaded
        began = time.monotonic()
        inputs = self._inputs(request.problem.prompt)
        count = inputs["input_ids"].shape[1]
        with torch.no_grad(), torch.random.fork_rng():
            torch.manual_seed(request.seed)
            out = network.generate(
                **_shared(network, inputs, len(request.numbers)),
                do_sample=True,
                temperature=self.drawing.temperature,
                top_k=0,
                top_p=1.0,
                max_new_tokens=self.drawing.most,
                pad_token_id=tokenizer.pad_token_id,
                stopping_criteria=StoppingCriteriaList([self._stopped(count, interrupted)]),
            )
        responses = tuple(self._response(row, count) for row in out[:, count:].tolist())
        seconds = time.monotonic() - began
        return Answered(responses, count, self._flop(count, 0), seconds)

    def _stopped(self, before: int, interrupted: threading.Event) -> Callable[..., Any]:
        """Return what tells which rows have come to a stop, by the text of their last tokens."""
        import torch

        tokenizer, _ = self.loaded
        far = max((len(s.encode()) for s in self.drawing.stop), default=0) + 4

        def stopped(tokens: Any, scores: Any, **_: Any) -> Any:
            last = tokens[:, max(before, tokens.shape[1] - far) :]
            texts = tokenizer.batch_decode(last, skip_special_tokens=True)
            ends = [interrupted.is_set() or self.drawing.cut(text) != text for text in texts]
            return torch.tensor(ends, device=tokens.device)

        return stopped

    def _inputs(self, prompt: str) -> Any:
        tokenizer, network = self.loaded
        if self.chat:
            prompt = tokenizer.apply_chat_template(
                [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True
            )
        inputs = tokenizer(prompt, return_tensors="pt", add_special_tokens=not self.chat)
        return {k: inputs[k].to(network.device) for k in ("input_ids", "attention_mask")}

    def _response(self, tokens: list[int], before: int) -> Response:
        """Return a response; its tokens are those up to its end, the end included."""
        tokenizer, network = self.loaded
        ends = network.generation_config.eos_token_id
        ends = {tokenizer.pad_token_id, *(ends if isinstance(ends, list) else [ends])}
        end = next((i for i, t in enumerate(tokens) if t in ends), len(tokens))
        text = tokenizer.decode(tokens[:end], skip_special_tokens=True)
        cut = self.drawing.cut(text)
        # What follows a stop is padding; what follows other text is the model's own end.
        length = end + (end < len(tokens) and cut == text)
        return Response(cut, length, self._flop(length, before))

    def _flop(self, tokens: int, before: int) -> float:
        _, network = self.loaded
        config = network.config
        weights = network.num_parameters(exclude_embeddings=True)
        head = config.vocab_size * config.hidden_size
        weights += head if config.tie_word_embeddings else 0  # else it is among the weights
        keys = tokens * before + tokens * (tokens + 1) / 2
        return float(
            2 * weights * tokens + 4 * config.num_hidden_layers * config.hidden_size * keys
        )


def _shared(network: Any, inputs: dict[str, Any], count: int) -> dict[str, Any]:
    """Return inputs for `count` samples, the prompt computed once if the model's cache allows."""
    tokens = inputs["input_ids"]
    repeated = {name: values.repeat_interleave(count, 0) for name, values in inputs.items()}
    if tokens.shape[1] > 1:
        cache = network(input_ids=tokens[:, :-1], use_cache=True).past_key_values
        if hasattr(cache, "batch_repeat_interleave"):
            cache.batch_repeat_interleave(count)
            repeated["past_key_values"] = cache
    return repeated
