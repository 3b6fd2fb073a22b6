"""The commit of the code that runs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from shared import ROOT


def commit(root: Path = ROOT) -> str:
    """Return the commit of the code, with "+" after it where its modules differ from it or some are not in it.

    "unknown" where `root` is not a working copy itself, such as an unpacked archive, though it may lie within another.
    """
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(root), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, env=surroundings).stdout.strip()

    try:
        if not Path(git("rev-parse", "--show-toplevel")).samefile(root):
            return "unknown"
        changed = git("status", "--porcelain", "--untracked-files=all", "--", "shared", "papers")
        return git("rev-parse", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
