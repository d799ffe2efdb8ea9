"""What a law says of a run that has not been made."""

from __future__ import annotations


def meaning(level: float, parts: tuple[str, ...]) -> str:
    """Return what the interval of a forecast carries."""
    if not parts:
        return "There is no interval."
    words = {
        "parameters": "the scatter of the fit",
        "noise": "of the runs",
        "noise by scale": "of the runs as it changes with scale",
        "form": "of the form",
        "choice": "of the choice among forms",
    }
    phrases = [words.get(part, part) for part in parts]
    joined = " and ".join(filter(None, (", ".join(phrases[:-1]), phrases[-1])))
    return f"The interval holds {level:.0%} of the draws; they carry {joined}."
