"""Which column of a source is which quantity: by symbol, by the user's word, by common name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from isoflop.errors import BadRuns, UnknownName, UsageError
from isoflop.runs import LABELS, SYMBOLS

# Common names, without case, spaces and signs. Only names that nobody uses for something else:
# "batch_size" may count sequences, "data_size" bytes, and "size" anything.
_NAMES = {
    "N": (
        "params nparams numparams parameters nparameters numparameters paramcount parametercount "
        "modelsize modelparams modelparameters"
    ),
    "D": (
        "tokens ntokens numtokens tokencount totaltokens trainingtokens traintokens "
        "numtrainingtokens tokensseen trainedtokens"
    ),
    "U": "uniquetokens nuniquetokens numuniquetokens",
    "C": (
        "flop flops trainingflop trainingflops trainflop trainflops totalflop totalflops "
        "compute trainingcompute traincompute"
    ),
    "L": (
        "loss valloss validationloss testloss evalloss heldoutloss finalloss trainloss "
        "trainingloss lmloss crossentropy"
    ),
    "steps": "step nsteps numsteps trainingsteps trainsteps",
    "batch": "batchtokens tokensperbatch tokensperstep batchsizetokens",
    "lr": "learningrate peaklr maxlr peaklearningrate",
    "epochs": "epoch nepochs numepochs",
    "experts": "nexperts numexperts",
    "V": "vocabsize vocabularysize",
    "hours": "gpuhours",
    "R": "reward",
    "error": "errorrate",
}
# Names that say how they are counted, too.
_COUNTED = {
    "totalparams": ("N", "total"),
    "totalparameters": ("N", "total"),
    "nonembeddingparams": ("N", "non-embedding"),
    "nonembeddingparameters": ("N", "non-embedding"),
    "paramsnonembedding": ("N", "non-embedding"),
    "nonembeddingparamsize": ("N", "non-embedding"),
    "nnonembedding": ("N", "non-embedding"),
    "nnoembed": ("N", "non-embedding"),
    "activeparams": ("N", "active"),
    "activeparameters": ("N", "active"),
    "c6nd": ("C", "6ND"),
    "flops6nd": ("C", "6ND"),
    "bitspertoken": ("L", "bits/token"),
    "bpb": ("L", "bits/byte"),
    "bitsperbyte": ("L", "bits/byte"),
    "natsperbyte": ("L", "nats/byte"),
}
# Of several columns that could be a label, the first listed is taken.
_LABELS = {
    "run": ("run", "runid", "runname", "name", "model", "modelname"),
    "family": ("family", "modelfamily"),
    "seed": ("seed", "randomseed"),
}
_SYMBOLS: Mapping[str, tuple[str, str | None]] = {
    **{name: (symbol, None) for symbol, names in _NAMES.items() for name in names.split()},
    **{symbol.lower(): (symbol, None) for symbol in SYMBOLS if len(symbol) > 1},
    **_COUNTED,
}


@dataclass(frozen=True, slots=True)
class Naming:
    """Which source column is read as which symbol and label, and what the names say besides.

    `guessed` holds the symbols and labels that were recognised by a common name.
    """

    symbols: Mapping[str, str]
    labels: Mapping[str, str]
    conventions: Mapping[str, str]
    guessed: frozenset[str]


def recognise(
    names: Collection[str], columns: Mapping[str, str], derived: Collection[str], origin: str
) -> Naming:
    """Return what the columns called `names` are: `columns` (symbol to name) says so first.

    Raises BadRuns if two columns could be the same quantity, and neither is to be derived;
    UnknownName for a quantity or a column that does not exist.
    """
    _check(names, columns)
    symbols = {s: n for s, n in columns.items() if s not in LABELS}
    symbols |= {s: s for s in SYMBOLS if s in names and s not in symbols}
    free = [n for n in names if n not in {*symbols.values(), *columns.values()}]
    guessed = _by_common_name(free, {*symbols, *derived}, origin)
    labels = {s: n for s, n in columns.items() if s in LABELS}
    for label in set(LABELS) - set(labels):
        plain = {_plain(n): n for n in reversed(free)}
        matches = [plain[alias] for alias in _LABELS[label] if alias in plain]
        if matches:
            labels[label] = label if label in free else matches[0]
    conventions = {s: counted for s, (_, counted) in guessed.items() if counted}
    return Naming(
        symbols={**symbols, **{s: name for s, (name, _) in guessed.items()}},
        labels={label: labels[label] for label in LABELS if label in labels},
        conventions=conventions,
        guessed=frozenset({*guessed, *(k for k, n in labels.items() if k not in (n, *columns))}),
    )


def _by_common_name(
    names: Collection[str], taken: Collection[str], origin: str
) -> dict[str, tuple[str, str | None]]:
    """Return {symbol: (name, convention)}, refusing a symbol that two names could be."""
    candidates: dict[str, list[tuple[str, str | None]]] = {}
    for name in names:
        symbol, counted = _SYMBOLS.get(_plain(name), (None, None))
        if symbol is not None and symbol not in taken:
            candidates.setdefault(symbol, []).append((name, counted))
    for symbol, options in candidates.items():
        if len(options) > 1:
            listing = " and ".join(repr(name) for name, _ in options)
            raise BadRuns(
                f"{origin}: columns {listing} could each be {symbol}; "
                f"say which: --columns {symbol}={options[0][0]}"
            )
    return {symbol: options[0] for symbol, options in candidates.items()}


def _check(names: Collection[str], columns: Mapping[str, str]) -> None:
    for symbol, name in columns.items():
        if symbol not in (*SYMBOLS, *LABELS):
            raise UnknownName("quantity or label", symbol, (*SYMBOLS, *LABELS))
        if name not in names:
            raise UnknownName("column", name, names)
    doubled = [n for n in columns.values() if list(columns.values()).count(n) > 1]
    if doubled:
        both = " and ".join(s for s, n in columns.items() if n == doubled[0])
        raise UsageError(f"column {doubled[0]!r} cannot be both {both}; give one name to each")


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())
