"""`--quick`: the tests of what was changed since the last commit, then as many others as fit into the time, fast first.

How long a test took is remembered from one run to the next in pytest's cache; one that never ran counts as `UNKNOWN`.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePosixPath

import pytest

SECONDS = 40.0
"""Of each process, for the tests alone."""
UNKNOWN = 0.3
BESIDE = 0.01
"""What each test takes besides, to be handed out and told of."""
REMEMBERED = "suite/seconds"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption(
        "--quick", action="store_true", help="the tests of what was changed, and as many as fit, fast first"
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the others out."""
    if not config.getoption("quick"):
        return
    seconds: Mapping[str, float] = config.cache.get(REMEMBERED, {}) if config.cache else {}
    fast = [item for item in items if not item.get_closest_marker("slow")]
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    kept = set(chosen([item.nodeid for item in fast], seconds, changed(config), processes * SECONDS))
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in kept])
    items[:] = [item for item in items if item.nodeid in kept]


class Stopwatch:
    """Remembers how long tests took, in the process that gathers what all others report."""

    def __init__(self, config: pytest.Config) -> None:
        self.config, self.seconds = config, dict[str, float]()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add the time of a test, or of what it is prepared by."""
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0.0) + report.duration

    def pytest_sessionfinish(self) -> None:
        """Keep the times, beside those of tests that were not run."""
        if getattr(self.config, "cache", None):  # there is none with -p no:cacheprovider
            before = self.config.cache.get(REMEMBERED, {})
            self.config.cache.set(REMEMBERED, before | {test: round(one, 2) for test, one in self.seconds.items()})


def pytest_configure(config: pytest.Config) -> None:
    """Take the time, but in processes that only run tests for another."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        config.pluginmanager.register(Stopwatch(config))


def changed(config: pytest.Config) -> list[str]:
    """Return the files that differ from the last commit, those that git does not know too."""
    listing = [
        "git",
        "-C",
        str(config.rootpath),
        "status",
        "--porcelain",
        "--no-renames",
        "--untracked-files=all",
        "-z",
    ]
    said = subprocess.run(listing, capture_output=True, text=True, check=False).stdout
    return [entry[3:] for entry in said.split("\0") if entry]


def chosen(tests: Sequence[str], seconds: Mapping[str, float], files: Collection[str], most: float) -> list[str]:
    """Return the tests of some changed files, and of the others, the fastest first, those that fit into a time."""
    taken = {test: seconds.get(test, UNKNOWN) + BESIDE for test in tests}
    asked = [test for test in tests if any(of(test, file) for file in files)]
    left = most - sum(taken[test] for test in asked)
    kept = list(asked)
    for test in sorted(set(tests) - set(asked), key=lambda test: (taken[test], test)):
        left -= taken[test]
        if left < 0:
            break
        kept.append(test)
    return kept


def of(test: str, file: str) -> bool:
    """Whether a test is in a file, or in the mirror of a module, or, of another file of a wing, in the wing's mirror.

    `tests/losses/test_pairs.py` is the mirror of `shared/losses/pairs.py`; what no file mirrors, its folder does.
    """
    where, path = PurePosixPath(test.partition("::")[0]), PurePosixPath(file)
    if path.parts[0] == "tests":
        return where == path
    if path.parts[0] == "shared":
        path = PurePosixPath(*path.parts[1:])
    mirror = PurePosixPath("tests") / path.parent
    return where.parent == mirror and (path.stem in where.stem or path.suffix != ".py")
