"""What a user can mend: the error that says so in one sentence, and the name that a mistyped one was meant to be."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

LONGEST_WORD = 300


class UserError(Exception):
    """One sentence that says what is wrong, where, and what to do; ends a command with exit status 2.

    It is one line, and what it quotes of a file is no longer than a line or two.
    """

    def __init__(self, sentence: str) -> None:
        one_line = re.sub(r"[\x00-\x1f]+", " ", sentence)
        super().__init__(re.sub(rf"(\S{{{LONGEST_WORD}}})\S+", r"\1...", one_line))


def suggestion(name: str, valid: Iterable[str]) -> str:
    """Return "did you mean 'x'?" for the nearest of the valid names, or the list of them where none is near."""
    names = sorted(valid)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"valid are: {', '.join(names)}" if names else "none are defined"
