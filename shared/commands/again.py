"""Commands that are advised name the same places as the one that was given."""

from __future__ import annotations

import shlex
from pathlib import Path

from shared.data.files import data_root
from shared.records.results import Results


def places(results: Results, root: Path | None = None) -> str:
    """Return the options for a folder of results and one of data sets, of each where it is not what is meant anyway."""
    here = "" if results.root == Results().root else f" --results {shlex.quote(str(results.root))}"
    return here if root in (None, data_root()) else f"{here} --data-root {shlex.quote(str(root))}"
