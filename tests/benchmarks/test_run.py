"""benchmarks/run: what it measures, keeps, writes and marks."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks import affinity_cost, every, kept
from benchmarks.every import SCRIPTS, machine
from benchmarks.kept import Kept, Measured, all_kept, compared, read, since, table, write_readme
from benchmarks.measuring import Row
from shared.errors import UserError
from tests.conftest import ROOT

OPTIONS = {"threads": 1, "repetitions": 1, "batch": 8, "classes": 50, "dimension": 4, "device": "cpu"}


def measured(*rows: Row, options=OPTIONS) -> Measured:
    return Measured(commit="abc", versions={"torch": "2"}, options=options, rows=rows)


def on(date: str, *rows: Row, name: str = "margin_head", kind: str = "a CPU, 2 cores", options=OPTIONS) -> Kept:
    return Kept(machine=kind, date=date, benchmarks={name: measured(*rows, options=options)})


def test_a_run_writes_table_and_file_and_marks_what_was_faster_before(tmp_path):
    rows = [
        Row(part="plain", seconds=1, ratio=(1, 1, 1)),
        Row(part="cosface", seconds=1e-9, ratio=(1e9, 1e9, 1e9)),
        Row(part="arcface", seconds=1, ratio=(1e-9, 1e-9, 1e-9)),
    ]
    on("2001-01-01", *rows, kind=machine()).write(tmp_path)
    (tmp_path / "README.md").write_text("# Title\n\nWords.\n")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    command = [str(ROOT / "benchmarks" / "run"), "--quick", "--only", "margin_head", "--into", str(tmp_path)]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr

    now, before = all_kept(tmp_path)
    assert (now.machine, before.date) == (machine(), "2001-01-01")
    found = now.benchmarks["margin_head"]
    assert found.options == OPTIONS
    assert [row.part for row in found.rows] == ["plain", "cosface", "arcface", "public"]
    for row in found.rows:
        assert row.ratio == pytest.approx((found.rows[0].seconds / row.seconds,) * 3)

    readme = (tmp_path / "README.md").read_text()
    assert readme.startswith("# Title\n\nWords.\n\n<!-- written: measured -->\n\n**")
    lines = {line.split(" | ")[1]: line for line in readme.splitlines() if line.startswith("| margin_head")}
    assert lines.keys() == {"plain", "cosface", "arcface", "public"}
    assert f"`margin_head`: {now.date}, commit {found.commit}, torch " in readme
    assert "| ▼ 0.00 times the speed of 2001-01-01 |" in lines["cosface"]
    assert [name for name, line in lines.items() if "▼" in line] == ["cosface"]
    assert lines["public"].endswith("|  |")
    assert "margin_head, cosface: ▼ 0.00 times the speed of 2001-01-01" in done.stdout
    assert "arcface: ▼" not in done.stdout


def test_a_script_that_fails_is_named_and_the_rest_is_kept(tmp_path, monkeypatch, capsys):
    rows = (Row(part="plain", seconds=1),)
    monkeypatch.setattr(every, "run", lambda name, _: None if name == "face_reading" else measured(*rows))
    assert every.main(["--only", "face_reading", "margin_head", "--into", str(tmp_path)]) == 1
    assert [one.benchmarks.keys() for one in all_kept(tmp_path)] == [{"margin_head"}]
    assert "face_reading: not measured" in capsys.readouterr().err


def test_a_try_writes_nothing_unless_told_where(tmp_path, monkeypatch):
    monkeypatch.setattr(every, "run", lambda *_: measured(Row(part="plain", seconds=1)))
    monkeypatch.setattr(every, "ROOT", tmp_path)
    assert every.main(["--quick"]) == 0
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", SCRIPTS)
def test_each_script_takes_the_options_it_is_run_with(name):
    script = import_module(f"benchmarks.{name}")
    whole, quick = (script.parsed(options.split()) for options in SCRIPTS[name])
    assert whole != quick


def test_every_script_is_run():
    scripts = {
        path.stem for path in (ROOT / "benchmarks").glob("*.py") if "def parsed(" in path.read_text(encoding="utf-8")
    }
    assert scripts == SCRIPTS.keys()


@pytest.mark.parametrize(
    ("now", "before", "words", "fell"),
    [
        ({"ratio": (0.9, 0, 1)}, {"ratio": (1.0, 1, 1)}, "0.90 times the speed", False),
        ({"ratio": (0.89, 0, 1)}, {"ratio": (1.0, 1, 1)}, "0.89 times the speed", True),
        ({"ratio": (2.0, 0, 1), "seconds": 9}, {"ratio": (1.0, 1, 1)}, "2.00 times the speed", False),
        ({"share": 0.4, "seconds": 1}, {"share": 0.5}, "0.80 times the speed", True),
        ({"seconds": 1.2}, {}, "0.83 times the speed", True),
        ({"peak_mib": 112}, {"peak_mib": 100}, "1.00 times the speed, 1.12 times the memory", True),
        ({"peak_mib": 110}, {"peak_mib": 100}, "1.00 times the speed", False),
        ({"peak_mib": 8}, {"peak_mib": 4}, "1.00 times the speed", False),
    ],
)
def test_what_falls_by_more_than_a_tenth(now, before, words, fell):
    rows = (Row(**{"part": "a", "seconds": 1, **fields}) for fields in (now, before))
    assert since(*rows) == (words, fell)


def test_a_row_is_compared_with_the_last_like_it():
    now = on("2026-02-03", Row(part="a", seconds=3), Row(part="b", seconds=1, measured=False))
    unlike = [
        on("2026-02-03", Row(part="a", seconds=1)),
        on("2026-02-02", Row(part="a", seconds=1), kind="another CPU"),
        on("2026-02-02", Row(part="a", seconds=1), options={"threads": 2}),
        on("2026-02-02", Row(part="a", seconds=1), name="growth"),
        on("2026-02-02", Row(part="c", seconds=1), Row(part="b", seconds=1)),
    ]
    assert [words for _, words, _ in compared(now, "margin_head", unlike)] == ["", ""]
    like = [*unlike, on("2026-02-01", Row(part="a", seconds=3)), on("2026-01-01", Row(part="a", seconds=1))]
    assert [words for _, words, _ in compared(now, "margin_head", like)] == ["1.00 times the speed of 2026-02-01", ""]


def test_the_table_has_the_newest_rows_of_each_benchmark_and_machine(tmp_path):
    on("2026-01-01", Row(part="old", seconds=1)).write(tmp_path)
    on("2026-01-01", Row(part="reading", seconds=1), name="face_reading").write(tmp_path)
    on("2026-01-02", Row(part="new", seconds=1)).write(tmp_path)
    on("2026-01-01", Row(part="elsewhere", seconds=1), kind="another").write(tmp_path)
    shown = table(all_kept(tmp_path))
    assert len(list((tmp_path / kept.FOLDER).iterdir())) == 3
    assert "old" not in shown
    places = [shown.index(text) for text in ("**a CPU, 2 cores**", "reading |", "new |", "**another**", "elsewhere")]
    assert places == sorted(places)
    assert "`face_reading`: 2026-01-01, commit abc, torch 2." in shown


def test_the_readme_shows_what_is_kept(tmp_path):
    for path in (ROOT / "benchmarks" / kept.FOLDER).glob("*.json"):
        assert read(path).path(ROOT / "benchmarks") == path
    (tmp_path / kept.FOLDER).symlink_to(ROOT / "benchmarks" / kept.FOLDER)
    text = (ROOT / "benchmarks" / "README.md").read_text()
    (tmp_path / "README.md").write_text(text)
    write_readme(tmp_path)
    assert (tmp_path / "README.md").read_text() == text


def test_a_damaged_file_is_named(tmp_path):
    path = tmp_path / kept.FOLDER / "x.json"
    path.parent.mkdir()
    path.write_text("{")
    with pytest.raises(UserError, match=r"x\.json: cannot be read as measurements; restore or remove it"):
        all_kept(tmp_path)


def test_steps_with_the_affinity_loss_are_compared_with_softmax(monkeypatch):
    monkeypatch.setattr(affinity_cost, "RUNS", {"digits": affinity_cost.RUNS["digits"][:2]})
    monkeypatch.setattr(affinity_cost, "peak_of", lambda *_: 1.0)
    monkeypatch.setattr(affinity_cost, "keep_freed_memory", lambda: None)
    softmax, affinity = affinity_cost.measured(argparse.Namespace(scale="smoke", steps=1, repetitions=1))
    assert (softmax.part, affinity.part) == ("digits: table1/odd-10/softmax", "digits: figure8/1")
    assert affinity.ratio == pytest.approx((softmax.seconds / affinity.seconds,) * 3)
