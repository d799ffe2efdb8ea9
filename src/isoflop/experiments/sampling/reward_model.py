"""A reward model from Hugging Face as a scorer, in process: a sequence classifier of one label."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from isoflop.errors import EnvironmentFailure, MissingExtra, UsageError

if TYPE_CHECKING:
    from isoflop.sources.scoring import Scorer


LOCAL = "hf:"  # begins the name of a model that runs here


def scorer_of(text: str) -> Scorer:
    """Return the scorer that a text names: the URL of a server, or hf:MODEL."""
    from isoflop.sources.scoring import http_scorer

    return classifier(text.removeprefix(LOCAL)) if text.startswith(LOCAL) else http_scorer(text)


def classifier(model: str) -> Callable[[Sequence[str], Sequence[str]], list[float]]:
    """Return a scorer of responses to prompts: the one logit of a sequence classifier.

    `model` is a folder or a name that transformers knows. A tokenizer with a chat template gets
    prompt and response as two turns, another one as a pair of texts.
    Raises MissingExtra without transformers, EnvironmentFailure for a model that cannot be loaded,
    UsageError for one of several labels.
    """
    try:
        import torch
        from transformers import AutoModelForSequenceClassification, AutoTokenizer
    except ImportError:
        raise MissingExtra("a scorer in process", "hf") from None
    try:
        tokenizer = AutoTokenizer.from_pretrained(model)
        network = AutoModelForSequenceClassification.from_pretrained(model).eval()
    except (OSError, ValueError) as error:
        raise EnvironmentFailure(f"cannot load {model!r}: {str(error).splitlines()[0]}") from None
    if network.config.num_labels != 1:
        raise UsageError(
            f"{model!r} has {network.config.num_labels} labels; a reward model has one"
        )
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network.to(device)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if network.config.pad_token_id is None:
        network.config.pad_token_id = tokenizer.pad_token_id

    def score(prompts: Sequence[str], responses: Sequence[str]) -> list[float]:
        if tokenizer.chat_template:
            turns = [
                tokenizer.apply_chat_template(
                    [{"role": "user", "content": p}, {"role": "assistant", "content": r}],
                    tokenize=False,
                )
                for p, r in zip(prompts, responses, strict=True)
            ]
            inputs = tokenizer(
                turns, return_tensors="pt", padding=True, truncation=True, add_special_tokens=False
            )
        else:
            inputs = tokenizer(
                list(prompts), list(responses), return_tensors="pt", padding=True, truncation=True
            )
        with torch.no_grad():
            logits = network(**inputs.to(device)).logits
        return [float(x) for x in logits[:, 0].float().cpu()]

    return score
