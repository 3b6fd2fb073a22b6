"""The words of verdicts, and those that need no measurement."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Literal

Word = Literal[
    "matched", "better", "worse", "contradicted", "inconclusive",
    "not trained", "not run", "not runnable", "no evidence", "quoted", "setting",
]  # fmt: skip

SATURATED = "saturated: "
"""How the reason of a claim begins of which no number of seeds would tell."""
MOST_NAMED = 6
OFF: tuple[Word, Word] = ("better", "worse")
"""A printed number that what is measured lies off, beyond the tolerance."""
NO_EVIDENCE = "smoke scale: its numbers are no evidence"

UNSCORED: dict[str, tuple[Word, str]] = {
    "quoted": ("quoted", "quoted by the authors from elsewhere, never scored"),
    "setting": ("setting", "a setting of the protocol or the data, not a result"),
}


def trained_on(other_data: Sequence[str]) -> str:
    """Return why runs on other data than the paper's are not compared with its numbers."""
    return f"trained on other data than the paper's ({', '.join(other_data)})"


def trained_smaller(scale: str) -> str:
    """Return why runs on the paper's data, but of less than the paper's size, are not compared with its numbers."""
    return f"trained smaller than in the paper, at {scale} scale"


def in_print(value: float, form: str) -> str:
    """Return a number in a form, such as "+.2f", a negative one with a minus sign."""
    return format(value, form).replace("-", "\N{MINUS SIGN}")


def counted(n: int, what: str) -> str:
    """Return a number of things in words: "1 training", "2 trainings"."""
    return f"{n} {what}{'' if n == 1 else 's'}"


def named_seeds(seeds: Collection[int] | Collection[str]) -> str:
    """Return some seeds in words: "seed 0", "seeds 0, 1"."""
    return f"seed{'' if len(seeds) == 1 else 's'} {', '.join(map(str, seeds))}"


def in_a_row(words: Iterable[object], last: str = "and") -> str:
    """Return some words as a sentence lists them: "a, b and c", "" of none."""
    *first, final = [str(word) for word in words] or [""]
    return f"{', '.join(first)} {last} {final}" if first else final


def told_apart(names: Sequence[str], longest: int) -> list[str]:
    """Return what tells names of like parts apart, in their order; the names where they are short, or unlike.

    Parts are what stands between blanks and slashes: of "a/five below b/five" and "a/ten below b/ten" it is "five" and
    "ten".
    """
    parts = [re.split(r"[/\s]+", name) for name in names]
    if max(map(len, names), default=0) <= longest or len({len(each) for each in parts}) > 1:
        return list(names)
    places = [place for place, found in enumerate(zip(*parts, strict=True)) if len(set(found)) > 1]
    short = [", ".join(dict.fromkeys(each[place] for place in places)) for each in parts]
    return short if len(set(short)) == len(names) > 1 else list(names)


def runs_and_seeds(places: Iterable[tuple[str, int | str]]) -> str:
    """Return the first few of some runs, each with the seeds that are given, and how many more runs there are."""
    runs: dict[str, list[str]] = {}
    for run, seed in places:
        runs.setdefault(run, []).append(str(seed))
    named = [f"{run} {named_seeds(sorted(seeds, key=lambda seed: (len(seed), seed)))}" for run, seeds in runs.items()]
    more = len(named) - MOST_NAMED
    return "; ".join(named[:MOST_NAMED]) + (f"; and {counted(more, 'more run')}" if more > 0 else "")
