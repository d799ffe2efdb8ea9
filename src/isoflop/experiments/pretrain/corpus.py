"""The text that models are trained on: bytes or byte pairs, split by file, cached on disk.

The default text is the source of Python's standard library: every machine has it, offline, and it
is the same, byte for byte, wherever the version of Python is.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from isoflop.errors import BadRuns, BadStudy, EnvironmentFailure, MissingExtra, UsageError
from isoflop.files import parse_json, read_content

if TYPE_CHECKING:
    from tokenizers import Tokenizer

BYTES = 256  # the vocabulary of plain bytes
SMALLEST_FILE = 200  # [bytes]; shorter files are stubs and package markers
SPLIT_SEED = 0  # the split is part of the corpus: every seed of a sweep is held against one text
SCHEMA = 1
# Parts of the library that some distributors leave out, or that hold tables in place of source.
APART = frozenset(
    {
        "__phello__",
        "_sysconfigdata",
        "distutils",
        "encodings",
        "ensurepip",
        "idlelib",
        "idle_test",
        "lib2to3",
        "macholib",
        "pydoc_data",
        "sitecustomize",
        "test",
        "tests",
        "tkinter",
        "turtledemo",
        "venv",
    }
)


@dataclass(frozen=True, slots=True)
class Corpus:
    """Tokens to train on and tokens held out, from different files.

    `train` and `held_out` (n,) are unsigned integers, memory-mapped when they were cached.
    `bytes_per_token` is measured on the held-out files; `digest` names the content.
    """

    origin: str
    vocabulary: int
    train: NDArray[np.unsignedinteger]
    held_out: NDArray[np.unsignedinteger]
    bytes_per_token: float
    digest: str

    def __len__(self) -> int:
        """Return the tokens that can be trained on without a repeat."""
        return len(self.train)


def load(
    text: Path | str | None = None,
    *,
    vocabulary: int = BYTES,
    cache: Path | None = None,
    held_out: float = 0.1,
) -> Corpus:
    """Return the corpus of `text`: a file, a folder, or None for the library of Python.

    Files are sorted, deduplicated by content, shuffled, and split so that `held_out` of the
    bytes are never trained on. A `vocabulary` above 256 learns byte pairs from the training
    files. Shards go to `cache`; a cache that cannot be written is done without.
    """
    if vocabulary < BYTES:
        raise UsageError(f"vocabulary is {vocabulary}; 256 is plain bytes, more is byte pairs")
    texts = list(_texts(Path(text) if text is not None else None))
    origin = str(text) if text is not None else f"the standard library of Python {_python()}"
    digest = _digest(texts, vocabulary, held_out)
    folder = (cache or default_cache()) / f"corpus-{digest[:16]}"
    if (cache_hit := _cached(folder, digest)) is not None:
        return cache_hit
    corpus = _build(texts, origin, vocabulary, held_out, digest)
    return _store(corpus, folder)


def default_cache() -> Path:
    """Return the folder for shards: $ISOFLOP_CACHE, else the user's cache folder."""
    if named := os.environ.get("ISOFLOP_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "isoflop"


def _python() -> str:
    return ".".join(map(str, sys.version_info[:3]))


def _texts(root: Path | None) -> Iterator[bytes]:
    """Yield the content of every file of `root`, in the order of their paths, none twice."""
    if root is None:
        files = library_files()
    elif root.exists():
        files = [root] if root.is_file() else sorted(p for p in root.rglob("*") if p.is_file())
    else:
        raise UsageError(f"there is no text at {root}")
    digests = set()
    for path in files:
        content = path.read_bytes()
        mark = hashlib.sha256(content).digest()
        if mark not in digests and (len(content) >= SMALLEST_FILE or path == root):
            digests.add(mark)
            yield content


def library_files(root: Path | None = None) -> list[Path]:
    """Return the source files of this Python's library that every installation of it has.

    Left out is what distributors pack apart or leave away (tests, IDLE, Tk, installers), what the
    build machine writes, and tables of characters and of topics, which are no source to learn
    from. So the text is the same wherever the version of Python is the same.
    """
    root = Path(sysconfig.get_path("stdlib")) if root is None else root
    names = _shared_names()
    files = (path.relative_to(root) for path in root.rglob("*.py"))
    shared = [path for path in files if path.parts[0] in names and _is_shared(path)]
    return [root / path for path in sorted(shared, key=lambda path: path.as_posix())]


def _shared_names() -> frozenset[str]:
    """Return the modules and packages of the library itself, as Python lists them."""
    names = sys.stdlib_module_names - APART
    return frozenset((*names, *(f"{name}.py" for name in names)))


def _is_shared(path: Path) -> bool:
    return APART.isdisjoint(path.parts)


def _digest(texts: list[bytes], vocabulary: int, held_out: float) -> str:
    whole = hashlib.sha256(json.dumps([SCHEMA, SPLIT_SEED, vocabulary, held_out]).encode())
    for content in texts:
        whole.update(len(content).to_bytes(8, "little") + content)
    return whole.hexdigest()


def split(texts: list[bytes], held_out: float) -> tuple[list[bytes], list[bytes]]:
    """Return the texts to train on and those held out, whole files, in a shuffled order.

    A single text is cut at its end.
    """
    if len(texts) == 1:
        cut = int(len(texts[0]) * (1 - held_out))
        return [texts[0][:cut]], [texts[0][cut:]]
    order = np.random.default_rng(SPLIT_SEED).permutation(len(texts))
    shuffled = [texts[i] for i in order]
    reach = np.cumsum([len(t) for t in shuffled])
    first = int(np.searchsorted(reach, held_out * reach[-1])) + 1 if len(texts) else 0
    return shuffled[first:], shuffled[:first]


def _build(
    texts: list[bytes], origin: str, vocabulary: int, held_out: float, digest: str
) -> Corpus:
    train, held_out_texts = split(texts, held_out)
    if not train or not held_out_texts:
        raise BadRuns(
            f"{origin} holds {len(texts)} files; too few to train on some, hold out others"
        )
    if vocabulary == BYTES:
        arrays = [
            np.frombuffer(b"\0".join(part), dtype=np.uint8) for part in (train, held_out_texts)
        ]
    else:
        tokenizer = _byte_pairs(train, vocabulary)
        arrays = [_encode(tokenizer, part) for part in (train, held_out_texts)]
    size = sum(len(t) for t in held_out_texts) + len(held_out_texts) - 1
    return Corpus(origin, vocabulary, arrays[0], arrays[1], size / len(arrays[1]), digest)


def _byte_pairs(texts: list[bytes], vocabulary: int) -> Tokenizer:
    """Return a byte-level tokeniser of `vocabulary` symbols learned from `texts`."""
    try:
        from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    except ImportError:
        raise MissingExtra("a vocabulary of byte pairs", "train") from None
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((t.decode("utf-8", "replace") for t in texts), trainer)
    return tokenizer


def _encode(tokenizer: Tokenizer, texts: list[bytes]) -> NDArray[np.unsignedinteger]:
    kind = np.uint16 if tokenizer.get_vocab_size() <= 2**16 else np.uint32
    ids = [tokenizer.encode(t.decode("utf-8", "replace") + "\0").ids for t in texts]
    return np.concatenate([np.array(i, dtype=kind) for i in ids])


def _cached(folder: Path, digest: str) -> Corpus | None:
    """Return the corpus in `folder`, memory-mapped; None if it is not there or not whole."""
    try:
        facts = parse_json(read_content(folder / "corpus.json", BadStudy))
        shards = {n: np.load(folder / f"{n}.npy", mmap_mode="r") for n in ("train", "held_out")}
    except (BadStudy, OSError, ValueError):
        return None
    return Corpus(**facts, **shards) if facts["digest"] == digest else None


def _store(corpus: Corpus, folder: Path) -> Corpus:
    """Return `corpus` from its shards in `folder`, written whole or not at all."""
    facts = {k: v for k, v in asdict(corpus).items() if k not in ("train", "held_out")}
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            fresh = Path(scratch) / "new"
            fresh.mkdir()
            np.save(fresh / "train.npy", corpus.train)
            np.save(fresh / "held_out.npy", corpus.held_out)
            (fresh / "corpus.json").write_text(json.dumps(facts))
            shutil.rmtree(folder, ignore_errors=True)  # what lies there was not whole
            fresh.rename(folder)
    except OSError:  # a cache is a convenience: it is read-only or full, or another was first
        return _cached(folder, corpus.digest) or corpus
    return _cached(folder, corpus.digest) or corpus


def windows(corpus: Corpus, context: int, seed: int) -> NDArray[np.int64]:
    """Return where each training window starts, in the order of `seed` (n,).

    Windows of `context` tokens do not overlap, so that no token is trained on twice.
    """
    count = (len(corpus.train) - 1) // context
    if count < 1:
        raise EnvironmentFailure(f"{corpus.origin} is shorter than one window of {context} tokens")
    return np.random.default_rng(seed).permutation(count) * context


def held_out_windows(corpus: Corpus, context: int, tokens: int) -> NDArray[np.int64]:
    """Return held-out windows (n, context + 1), evenly spread, of about `tokens` in all."""
    count = max(1, min(tokens // context, (len(corpus.held_out) - 1) // context))
    starts = np.linspace(0, len(corpus.held_out) - context - 1, count).astype(np.int64)
    return gather(corpus.held_out, starts, context)


def gather(
    shard: NDArray[np.unsignedinteger], starts: NDArray[np.int64], context: int
) -> NDArray[np.int64]:
    """Return the windows (n, context + 1) of `shard` that begin at `starts` (n,)."""
    batch: NDArray[np.int64] = shard[starts[:, None] + np.arange(context + 1)].astype(np.int64)
    return batch
