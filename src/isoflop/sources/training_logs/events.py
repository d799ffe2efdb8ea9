"""TensorBoard event files, read by TensorBoard itself, which is an extra."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from isoflop.errors import BadRuns, MissingExtra


def event_files(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield each folder below `folder` that holds event files, and a name for its run."""
    holding = sorted({p.parent for p in folder.rglob("*tfevents*") if p.is_file()})
    for inner in holding:
        yield inner, folder.name if inner == folder else inner.relative_to(folder).as_posix()


def read_events(path: Path) -> tuple[Mapping[str, float], ...]:
    """Return the scalars of an event file, or of all in a folder, one record for each step.

    The parts of a restarted run follow each other, so that a step may come again.
    Raises MissingExtra without TensorBoard, BadRuns for a file that holds no scalar.
    """
    try:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    except ImportError:
        raise MissingExtra("reading TensorBoard event files", "tensorboard") from None
    files = [path] if path.is_file() else sorted(path.glob("*tfevents*"))
    records: list[Mapping[str, float]] = []
    for file in files:
        accumulator = EventAccumulator(str(file), size_guidance={"scalars": 0, "tensors": 0})
        accumulator.Reload()
        by_step: dict[int, dict[str, float]] = {}
        for name in accumulator.Tags()["scalars"]:
            for event in accumulator.Scalars(name):
                by_step.setdefault(event.step, {})[name] = float(event.value)
        for name in accumulator.Tags()["tensors"]:
            _scalar_tensors(accumulator, name, by_step)
        records += [{"step": float(step), **by_step[step]} for step in sorted(by_step)]
    if not records:
        raise BadRuns(f"{path} holds no scalar that TensorBoard can read")
    return tuple(records)


def _scalar_tensors(accumulator: object, name: str, by_step: dict[int, dict[str, float]]) -> None:
    """Add the scalars that newer writers keep as tensors of no dimension."""
    from tensorboard.util.tensor_util import make_ndarray

    for event in accumulator.Tensors(name):  # type: ignore[attr-defined]
        values = make_ndarray(event.tensor_proto)
        if values.ndim == 0 and values.dtype.kind in "fiu":
            by_step.setdefault(event.step, {})[name] = float(values)
