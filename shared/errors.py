"""What a user can mend: the error that says so in one sentence, and the name that a mistyped one was meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """One sentence that says what is wrong, where, and what to do; ends a command with exit status 2."""


def suggestion(name: str, valid: Iterable[str]) -> str:
    """Return "did you mean 'x'?" for the nearest of the valid names, or the list of them where none is near."""
    names = sorted(valid)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"valid are: {', '.join(names)}" if names else "none are defined"
