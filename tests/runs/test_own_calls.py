"""Code of a user's own that takes long, or that the suite itself ends."""

from __future__ import annotations

import time

import pytest

from shared.commands.cli import _fail
from shared.errors import UserError
from shared.runs import own_calls
from shared.runs.own_calls import asked


def test_after_a_while_it_is_said_what_is_waited_for_and_where(capsys, monkeypatch):
    monkeypatch.setattr(own_calls, "PATIENCE", 0.05)
    with asked("mine:Mine"):
        time.sleep(0.3)
    said = capsys.readouterr().out
    assert said.startswith(f"waiting for mine:Mine, now at {__file__}:")
    assert said.endswith("; Ctrl-C ends it\n")


def test_what_is_quick_is_not_spoken_of(capsys):
    with asked("mine:Mine"):
        pass
    assert capsys.readouterr().out == ""


def test_the_suite_can_be_ended_while_it_waits():
    with pytest.raises(SystemExit) as ended, asked("mine:Mine"):
        _fail("as it does by a signal")
    assert ended.value.code == 2
    with pytest.raises(UserError, match="mine:Mine raises SystemExit"), asked("mine:Mine"):
        raise SystemExit(2)
