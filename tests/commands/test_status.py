"""`list` and `status`: tables that fit a terminal, lines for a file, JSON for programs."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest

from shared.commands.scope import Scope
from shared.commands.status import rows
from shared.commands.terminal import table
from shared.records.results import Results
from shared.rehearsal.rehearsed import Rehearsed
from shared.runs.registry import papers
from tests.conftest import ROOT

GA = "gaussian_affinity"
COLOUR = re.compile(r"\033\[\d*m")


def on_terminal(*arguments: str, columns: int, **environment: str) -> list[str]:
    """Return the lines that a command writes on a terminal of so many columns."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    inherited = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
    process = subprocess.Popen(
        [sys.executable, "-m", "shared", *arguments], cwd=ROOT, stdout=its, env=inherited | environment
    )
    os.close(its)
    content = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not part:
            break
        content += part
    os.close(ours)
    assert process.wait() == 0
    return content.decode().splitlines()


def test_on_a_terminal_each_target_is_one_line_that_fits_in_colour(tmp_path):
    lines = on_terminal("status", "--scale", "full", "--results", str(tmp_path), columns=100)
    targets = [line for line in lines if f"{GA}/" in line]
    assert len(targets) == len(papers()[GA].targets)
    assert all(COLOUR.search(line) for line in targets)
    assert all(len(COLOUR.sub("", line)) <= 100 for line in lines[:-2])
    assert any(line.endswith("…\033[0m") for line in targets)
    assert re.search(r"needs data +54/54 +[\d.]+ +needs dermofit", "\n".join(targets))
    plain = on_terminal("list", columns=60, NO_COLOR="1")
    assert not any(COLOUR.search(line) for line in plain)
    assert f"{GA}: " in "\n".join(plain)


def test_status_of_one_target_has_its_data_sets_and_no_others(shared, tmp_path):
    asked = ("status", "--scale", "full", "--results", str(tmp_path), "--data-root", str(tmp_path / "data"))
    every = shared(*asked).stdout
    assert "\ndata set " not in every
    assert "is told with --paper." in every
    one = shared(*asked, "--paper", GA, "--target", "table2").stdout.splitlines()
    assert one[1].startswith(f"{GA}/table2 ")
    assert [line.split()[2] for line in one if line.startswith("data set ")] == ["dermofit"]
    alone = shared(*asked, "--target", "table2")
    assert (alone.returncode, "say which by --paper" in alone.stderr) == (2, True)
    wrong = shared(*asked, "--paper", GA, "--target", "tabel2")
    assert (wrong.returncode, "did you mean 'table2'?" in wrong.stderr) == (2, True)


def test_json_says_what_the_table_says_and_no_hour_is_unknown(shared, tmp_path):
    told = json.loads(shared("status", "--scale", "full", "--json", "--results", str(tmp_path)).stdout)
    assert {row["target"] for row in told["targets"]} == {
        f"{key}/{name}" for key, entry in papers().items() for name in entry.targets
    }
    for row in told["targets"]:
        assert row["left"] == row["trainings"] > 0
        assert 0 < row["longest_job"] <= row["device_hours"]
        assert row["gpus"] in (0, 1, 2)
    listed = json.loads(shared("list", "--json", "--paper", GA).stdout)
    assert listed[GA]["targets"]["table1"]["runs"][0] == "table1/standard/softmax"


def test_a_faster_gpu_takes_fewer_hours(shared, tmp_path):
    table3 = ("--paper", "discface", "--target", "table3")
    asked = ("status", "--scale", "full", "--json", "--results", str(tmp_path), *table3)
    hours = [
        json.loads(shared(*asked, *device).stdout)["targets"][0]["device_hours"]
        for device in ((), ("--peak", "39,312,624"), ("--share", "0.15"))
    ]
    assert hours[1] < hours[0] < hours[2]
    assert shared(*asked, "--peak", "much").returncode == 2


def test_a_table_is_aligned_and_cut_where_it_does_not_fit():
    rows = [("a", "1", "short"), ("long", "20", "x" * 50)]
    assert list(table(rows, None, right=(1,))) == ["a      1  short", "long  20  " + "x" * 50]
    assert list(table(rows, 20, right=(1,))) == ["a      1  short", "long  20  " + "x" * 9 + "…"]


@pytest.mark.parametrize("size", ["80", "80 apples", ""])
def test_rehearse_asks_for_a_size(shared, size):
    done = shared("rehearse", "--scale", "full", "--gpu", size)
    assert done.returncode == 2
    assert "such as '80 GiB'" in done.stderr


def test_what_does_not_fit_is_told():
    from shared.commands.rehearse import Alike, Told, gpu_mib, lines

    run = papers()["discface"].run("ms1m/arcface", "full")
    held = {
        "weights": 416,
        "gradients": 416,
        "optimizer": 416,
        "activations": 54_000,
        "embedding": 54_000,
        "peak": 55_700,
    }
    found = Rehearsed.model_validate(
        {"of": "x", "parameters": 1, "training_flops": 7e10, "embedding_flops": 2e10, "memory": held}
    )
    told = Told(Alike([run]), found, [])
    assert "fits on 1 GPU of 80.0 GiB" in "\n".join(lines(told, gpu_mib("80 GiB")))
    assert "fits on 2 GPUs of 40.0 GiB" in "\n".join(lines(told, gpu_mib("40GiB")))
    assert "! does not fit on 2 GPUs of 16.0 GiB: it would on 4" in "\n".join(lines(told, gpu_mib("16 GiB")))
    assert "! does not fit on 2 GPUs of 1.0 GiB: no number of them is enough" in "\n".join(
        lines(told, gpu_mib("1 GiB"))
    )


def test_where_no_records_are_kept_there_is_nothing_to_draw(tmp_path):
    [row] = rows(Scope("published", Results(tmp_path), tmp_path, GA, "table1"))
    assert (row.state, row.cells()[-1]) == ("no records", "")
