"""A headless Chromium for the tests that look at the report as a reader does."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from typing import NoReturn

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def accessibility_troubles(page: Page, *, contrast: bool = True) -> list[str]:
    """Return what axe-core finds wrong with the open page, as "rule: element".

    Its `contrast` rule takes most of the time of a large page, since it asks for what lies at each piece of text.
    """
    page.evaluate(_axe())
    options = {"preload": False, "resultTypes": ["violations"], "rules": {"color-contrast": {"enabled": contrast}}}
    found = page.evaluate("options => axe.run(options)", options)
    return [f"{trouble['id']}: {node['html'][:120]}" for trouble in found["violations"] for node in trouble["nodes"]]


@cache
def _axe() -> str:
    """Return the script of axe-core; without it skip the test, or fail where the variable CI is set."""
    if find_spec("axe_playwright_python") is None:
        _missing("no axe-core: install the packages of requirements.lock")
    return (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the machine's own Chromium; without one skip the test, or fail where the variable CI is set."""
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        _missing(
            f"no browser: none of {', '.join(NAMES)} is on the PATH; install one "
            "(Debian, Ubuntu: apt-get install chromium) or name its program in the environment variable CHROMIUM"
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def _missing(message: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)
