"""Read Python without running it."""

from __future__ import annotations

import ast
from pathlib import Path

from shared.errors import UserError


def parsed(source: bytes, path: Path) -> ast.Module:
    """Return the syntax tree of what stands in a file; raises UserError with file and line where it is no Python."""
    try:
        return ast.parse(source, filename=str(path))
    except SyntaxError as error:
        raise UserError(f"{path}:{error.lineno or 1}: it is not valid Python ({error.msg}); mend it.") from None
    except ValueError as error:
        raise UserError(f"{path}: it is not valid Python ({error}); mend it.") from None
    except (MemoryError, RecursionError):
        raise UserError(f"{path}: its expressions are nested too deep for Python; write them flatter.") from None
