"""What the name of a column says: a quantity, how it is counted, its unit, of which split it is.

Only what nobody uses for something else is recognised: "batch_size" may count sequences,
"data_size" bytes, and "size" anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from isoflop.runs import SYMBOLS
from isoflop.sources.units import Unit, unit_in


def _words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


# Names without case, spaces and signs, as they are glued together in code.
_GLUED = {
    "N": (
        "nparams numparams nparameters numparameters paramcount parametercount modelsize "
        "modelparams modelparameters"
    ),
    "D": "ntokens numtokens tokencount totaltokens trainingtokens traintokens tokensseen",
    "U": "uniquetokens nuniquetokens numuniquetokens",
    "C": "c6nd flops6nd trainingflop trainingflops trainflop trainflops totalflop totalflops",
    "L": "valloss validationloss testloss evalloss heldoutloss finalloss trainloss lmloss",
    "steps": "step nsteps numsteps trainingsteps trainsteps globalstep iteration iterations",
    "batch": "batchtokens tokensperbatch tokensperstep batchsizetokens tokensstep tokensbatch",
    "lr": "lr learningrate peaklr maxlr peaklearningrate maxlearningrate",
    "epochs": "epoch nepochs numepochs",
    "experts": "nexperts numexperts",
    "V": "vocabsize vocabularysize",
    "hours": "gpuhours",
    "error": "errorrate",
    "R": "goldreward goldscore",
    "R_proxy": "proxyreward proxyscore",
}
_FREE = _words("n num number no nr of count total the in overall and")
_PHASE = frozenset(["train", "training", "trained", "pretraining", "pretrain", "pretrained"])
_HEADS: Mapping[str, frozenset[str]] = {
    "N": frozenset(["params", "param", "parameters", "parameter"]),
    "D": frozenset(["tokens", "token", "toks"]),
    "C": frozenset(["flop", "flops", "compute"]),
    "R": frozenset(("reward",)),
    "L": _words("loss xent nll bpb bpc ppl perplexity ce"),
}
_ALLOWED: Mapping[str, frozenset[str]] = {
    "N": _FREE | _words(
        "model size trainable all non nonembedding noembed embedding embeddings excluding "
        "without active activated body"
    ),
    "D": _FREE | _PHASE | _words("seen processed consumed data dataset size budget so far unique"),
    "C": _FREE
    | _PHASE
    | _words("model used spent estimated est approx cumulative budget so far 6nd c"),
    "R": frozenset(["gold", "true", "mean", "avg", "average"]),
    "L": frozenset(),
}  # fmt: skip
_HELD_OUT = _words("val valid validation eval evaluation test heldout dev")
_LOSS_WORDS = _FREE | _HELD_OUT | _PHASE | _words(
        "final last lm language model modeling modelling cross entropy per token byte char "
        "word nats nat bits bit avg mean average smoothed ema held out best min log lowest end "
        "so far l"
    )  # fmt: skip
_OTHER_LOSS = _words(
        "aux auxiliary z router moe balance balancing load kl value policy critic reward actor "
        "scale std stderr sd se var variance weight grad norm spike spikes delta diff "
        "difference gap ratio improvement reg regularization regularisation mtp distill "
        "distillation predicted pred prediction target excess threshold init initial start "
        "first teacher unigram mask masked entropybonus residual fit fitted reducible "
        "irreducible err error count step steps rank log ln log10 log2 added increase change "
        "slope curve function type name id std95 ci low high lower upper time acc accuracy "
        "zero contrastive pg vf dpo ppo sft rm"
    )  # fmt: skip
_EXTREME = _words("min best lowest max")  # over a course, of which the end is meant
# Words before the name proper, as trackers and nested records have them.
_PLACES = _words(
    "config configs summary metrics metric args hparams hyperparameters hyperparams "
    "results result stats info perf time throughput trainer optim optimizer param params "
    "data global history final model cfg settings"
)
_CONVENTIONS: Mapping[str, tuple[tuple[frozenset[str], str], ...]] = {
    "N": (
        (frozenset(("nonembedding",)), "non-embedding"),
        (frozenset(("noembed",)), "non-embedding"),
        (frozenset(("non", "embedding")), "non-embedding"),
        (frozenset(("non", "embeddings")), "non-embedding"),
        (frozenset(("excluding", "embedding")), "non-embedding"),
        (frozenset(("excluding", "embeddings")), "non-embedding"),
        (frozenset(("without", "embedding")), "non-embedding"),
        (frozenset(("without", "embeddings")), "non-embedding"),
        (frozenset(("no", "embedding")), "non-embedding"),
        (frozenset(("no", "embeddings")), "non-embedding"),
        (frozenset(("active",)), "active"),
        (frozenset(("activated",)), "active"),
        (frozenset(("total",)), "total"),
    ),
    "C": ((frozenset(("6nd",)), "6ND"),),
}
_NOT_COUNTED = frozenset(("embedding", "embeddings", "body"))  # parts of a model, where alone
_GLUED_CONVENTIONS = {
    "nonembeddingparamsize": ("N", "non-embedding"),
    "nnonembedding": ("N", "non-embedding"),
    "nnoembed": ("N", "non-embedding"),
    "c6nd": ("C", "6ND"),
    "flops6nd": ("C", "6ND"),
}
_SYMBOL_OF: Mapping[str, str] = {
    **{name: symbol for symbol, names in _GLUED.items() for name in names.split()},
    **{symbol.lower(): symbol for symbol in SYMBOLS if len(symbol) > 1},
    **{name: symbol for name, (symbol, _) in _GLUED_CONVENTIONS.items()},
}
_CHIP = re.compile(r"gpu|tpu|accelerator|chip|device|[abhlv]\d{2,3}0?s?|gb\d{3}|tpuv\d\w*|v\d\w?")
_SINGLE = ("N", "D", "C", "L")
_RATE = re.compile(r"\bper\b|/\s*s\b|/\s*sec|/\s*gpu|/\s*param", re.I)

HELD_OUT, UNSAID, TRAINING = "held-out", "", "training"


@dataclass(frozen=True, slots=True)
class NameMeaning:
    """What a name says: the symbol, the convention, the unit, and of a loss its split.

    `exact` says that no word of the name is unknown, or speaks of an extreme. `split` is that of a
    loss.
    """

    symbol: str
    convention: str | None = None
    unit: Unit | None = None
    split: str = UNSAID
    exact: bool = True


def meaning_of(name: str) -> NameMeaning | None:
    """Return what the name of a column says, None for a name that is not known.

    >>> meaning_of("Params (M)").symbol, meaning_of("val/bpb").unit.loss
    ('N', 'bits/byte')
    """
    for base, unit_text in _parted(name):
        if (meaning := _recognised(base, unit_text)) is not None:
            return meaning
    return None


def unit_of_name(name: str, symbol: str) -> Unit | None:
    """Return the unit that a name states for a quantity that the user says it holds."""
    meaning = meaning_of(name)
    if meaning is not None and meaning.symbol == symbol:
        return meaning.unit
    if symbol == "L" and (unit := _loss_unit(words_of(name))) is not None:
        return unit
    if (unit := unit_in(name, symbol)) is not None and unit.kind == "FLOP":
        return unit
    bracket = re.search(r"[(\[{]([^()\[\]{}]*)[)\]}]\s*$", name)
    suffix = re.search(r"[\s_\-.](?:in[\s_\-])?([A-Z]|[A-Za-z0-9^]{2,})$", name)
    texts = [match[1] for match in (bracket, suffix) if match]
    return next((u for text in texts if (u := unit_in(text, symbol)) is not None), None)


def is_training_loss(name: str) -> bool:
    """Return whether a column is, by its name, a loss on the data that is trained on."""
    return split_of(words_of(name)) == TRAINING


def split_of(words: list[str]) -> str:
    """Return of which split a loss is, by the words of its name."""
    held_out = _HELD_OUT & set(words) or {"held", "out"} <= set(words)
    if held_out:
        return HELD_OUT
    return TRAINING if _PHASE & set(words) else UNSAID


def words_of(name: str) -> list[str]:
    """Return the words of a name, in lower case: "numParams_train" is num, params and train."""
    folded = re.sub(r"([A-Za-z]?)FLOP[sS]?(?![a-z])", r" \1flops ", name)
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", folded)
    return [w.lower() for w in re.split(r"[^A-Za-z0-9]+", apart) if w]


_PARTINGS = (
    re.compile(r"(.+?)[\s_\-]+in[\s_\-]+(.+)", re.IGNORECASE),
    re.compile(r"(.+?)[\s,;:/]+(.+)"),
    re.compile(r"(.+)[,;:]\s*(.+)"),
)


def _parted(name: str) -> Iterator[tuple[str, str]]:
    """Yield a name as its base and what may be its unit, brackets first."""
    text = name.strip().lstrip("#").strip()
    if match := re.fullmatch(r"(.*?)\s*[(\[{]([^()\[\]{}]*)[)\]}]\s*", text):
        yield match[1], match[2]
        yield f"{match[1]} {match[2]}", ""
    yield text, ""
    for pattern in _PARTINGS:
        if match := pattern.fullmatch(text):
            yield match[1], match[2]
    pieces = re.split(r"(?<=[A-Za-z0-9])[_\-. ](?=[A-Za-z0-9])", text)
    for count in (1, 2, 3):
        if len(pieces) > count:
            yield "_".join(pieces[:-count]), " ".join(pieces[-count:])
            yield "_".join(pieces[count:]), " ".join(pieces[:count])
    if match := re.fullmatch(r"(.*[a-z])([KMBGT])", text):
        yield match[1], match[2]
    if match := re.fullmatch(r"([kKMBGT])([A-Z]?[a-z]+)", text):
        yield match[2], match[1]


def _recognised(base: str, unit_text: str) -> NameMeaning | None:
    meaning = _single(base, unit_text) or _meaning(words_of(base), base)
    if meaning is None or not unit_text:
        return meaning
    unit = unit_in(unit_text, meaning.symbol)
    if unit is None:
        return None
    stated = meaning.unit
    if stated is not None and unit.kind != "plain":
        unit = unit if unit.kind != "scale" or stated.factor == 1 else stated
    return NameMeaning(
        meaning.symbol,
        meaning.convention,
        stated if unit.kind == "plain" and stated is not None else unit,
        meaning.split,
        meaning.exact,
    )


def _single(base: str, unit_text: str) -> NameMeaning | None:
    """Return the meaning of a symbol of one letter that is followed by its unit."""
    if base.strip() not in _SINGLE or not unit_text:
        return None
    is_letter = len(unit_text) == 1
    if is_letter and base.strip() not in ("N", "D"):
        return None
    return NameMeaning(base.strip())


def _meaning(words: list[str], base: str) -> NameMeaning | None:
    """Return the meaning of words, with or without those that say where in a record they lie."""
    for first in range(len(words)):
        if first and words[first - 1] not in _PLACES:
            break
        rest = words[first:]
        meaning = _glued(rest) or _headed(rest) or _of_loss(rest) or _hours(rest)
        if meaning is not None and not _RATE.search(" ".join(words_of(base))):
            return meaning
        if meaning is not None and meaning.symbol in ("L", "batch"):
            return meaning  # bits per byte, tokens per step
    return _glued(words[-1:]) if "/" in base and words and words[-1] in _SYMBOL_OF else None


def _glued(words: list[str]) -> NameMeaning | None:
    glued = "".join(words)
    symbol = _SYMBOL_OF.get(glued)
    if symbol is None:
        return None
    convention = _GLUED_CONVENTIONS.get(glued, (symbol, None))[1]
    split = split_of(words_of(_apart(glued))) if symbol == "L" else UNSAID
    return NameMeaning(symbol, convention, split=split)


def _apart(glued: str) -> str:
    return re.sub(r"^(val|validation|test|eval|heldout|train)(?=loss)", r"\1 ", glued)


def _headed(words: list[str]) -> NameMeaning | None:
    """Return the meaning of words of which one names a quantity and the others only qualify it."""
    present = frozenset(words)
    for symbol in ("N", "D", "C", "R"):
        if not present & _HEADS[symbol] or not present <= _HEADS[symbol] | _ALLOWED[symbol]:
            continue
        if symbol == "D" and "unique" in present:
            return NameMeaning("U")
        convention = _convention(symbol, present)
        if symbol == "N" and convention is None and present & _NOT_COUNTED:
            return None
        return NameMeaning(symbol, convention)
    return _prefixed_flop(words)


def _convention(symbol: str, words: frozenset[str]) -> str | None:
    for needed, convention in _CONVENTIONS.get(symbol, ()):
        if needed <= words:
            return convention
    return None


def _prefixed_flop(words: list[str]) -> NameMeaning | None:
    """Return compute in zettaFLOP, PF-days and the like; a bare "tflops" is a speed."""
    for size in (1, 2, 3):
        for at in range(len(words) - size + 1):
            unit = unit_in(" ".join(words[at : at + size]), "C")
            if unit is None or unit.kind != "FLOP" or unit.factor == 1:
                continue
            rest = frozenset(words[:at] + words[at + size :])
            is_speed = not rest and unit.factor in (1e6, 1e9, 1e12, 1e15)
            if rest <= _ALLOWED["C"] | _HEADS["C"] and not is_speed:
                return NameMeaning("C", unit=unit)
    return None


def _hours(words: list[str]) -> NameMeaning | None:
    """Return accelerator time, of chips by name or not: "h100 hours", "gpu_hours"."""
    if len(words) < 2 or words[-1] not in ("hours", "hrs"):
        return None
    chips = re.compile(
        r"gpu|tpu|accelerator|chip|device|[abhlv]\d{2,3}0?s?|gb\d{3}|tpuv\d\w*|v\d\w?"
    )
    is_chip = all(chips.fullmatch(word) or word in _FREE | _PHASE for word in words[:-1])
    return NameMeaning("hours") if is_chip else None


def _of_loss(words: list[str]) -> NameMeaning | None:
    while len(words) > 1 and words[0] in _PLACES:
        words = words[1:]
    present = frozenset(words)
    named = present & _HEADS["L"] or {"cross", "entropy"} <= present or _loss_unit(words)
    if not named or present & _OTHER_LOSS:
        return None
    unknown = present - _LOSS_WORDS - _HEADS["L"]
    split = split_of(words)
    if unknown and split != HELD_OUT:
        return None  # of some task or corpus, and who knows which
    exact = not unknown and not present & _EXTREME
    return NameMeaning("L", unit=_loss_unit(words), split=split, exact=exact)


def _loss_unit(words: list[str]) -> Unit | None:
    """Return the unit that the words of the name of a loss state."""
    text = f" {' '.join(words)} "
    for kind, per in re.findall(r" (nats?|bits?) (?:per )?(token|byte|char|word)s? ", text):
        return unit_in(f"{kind}/{per}", "L")
    if "ppl" in words or "perplexity" in words:
        return _perplexity(words)
    for word in words:
        if word in ("bpb", "bpc", "bpt", "nats", "bits"):
            return unit_in(word, "L")
    return None


def _perplexity(words: list[str]) -> Unit:
    per = next((w for w in words if w in ("byte", "word", "char")), "token")
    return Unit("perplexity", 1.0, "loss", f"nats/{per}", logarithm=True)
