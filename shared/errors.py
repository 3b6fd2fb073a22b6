"""What a user can mend: the error that says so in one sentence, and the name that a mistyped one was meant to be."""

from __future__ import annotations

import difflib
import errno
import re
from collections.abc import Iterable
from pathlib import Path

LONGEST_WORD = 300


class UserError(Exception):
    """One sentence that says what is wrong, where, and what to do; ends a command with exit status 2.

    It is one line, and what it quotes of a file is no longer than a line or two.
    """

    def __init__(self, sentence: str) -> None:
        one_line = re.sub(r"[\x00-\x1f]+", " ", sentence)
        super().__init__(re.sub(rf"(\S{{{LONGEST_WORD}}})\S+", r"\1...", one_line))


_NO_ROOM = "free some room, then give the same command again, which goes on from there"
_NO_RIGHT = "give yourself the right to read or write there, or name another folder by --results or --data-root"
_NO_FOLDER = "a file stands where a folder should be, or the other way round; move it, or name another folder"
_REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), _NO_ROOM),
    **dict.fromkeys((errno.EROFS, errno.EACCES, errno.EPERM), _NO_RIGHT),
    **dict.fromkeys((errno.ENOTDIR, errno.EISDIR, errno.EEXIST), _NO_FOLDER),
}


def refused(error: OSError, path: Path | None = None) -> UserError:
    """Return what the system refused, at `path` where the error does not name one, and what to do."""
    remedy = _REMEDIES.get(error.errno or 0, "put that right, then give the same command again")
    where = error.filename or path or "a file or the output"
    return UserError(f"{where}: {(error.strerror or str(error)).lower()}; {remedy}.")


_REFUSED_MEMORY = {"OutOfMemoryError", "MemoryError"}
"""What a GPU's memory, and Python's and numpy's, is refused by."""
_ALLOCATOR = "DefaultCPUAllocator: "
"""What torch says where a processor's is: its error there is that of anything else at run time."""


def out_of_memory(error: Exception) -> UserError | None:
    """Return what to do where memory was refused to torch, numpy or Python; None where the error is another."""
    raised = {kind.__name__ for kind in type(error).__mro__}
    if not raised & _REFUSED_MEMORY and _ALLOCATOR not in str(error):
        return None
    asked = re.search(r"[Tt]ried to allocate [\d.]+ \w+|Unable to allocate [\d.]+ \w+", str(error))
    return UserError(
        f"memory ran out{f' ({asked[0][0].lower()}{asked[0][1:]})' if asked else ''}; give the same command again with "
        "fewer jobs side by side, on a machine with more, or with a smaller training.batch_size: 'python -m shared "
        "rehearse' tells what each run takes."
    )


def suggestion(name: str, valid: Iterable[str]) -> str:
    """Return "did you mean 'x'?" for the nearest of the valid names, or the list of them where none is near."""
    names = sorted(set(map(str, valid)))
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"valid are: {', '.join(names)}" if names else "none are defined"
