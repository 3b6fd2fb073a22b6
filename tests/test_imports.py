"""What starts often, or before torch is wanted, imports no more than it needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("code", "unneeded"),
    [
        ("from shared.commands import workflow; workflow.training_jobs()", "torch"),
        ("import shared.commands.job_server as server; server.prepare(['report'])", "torch"),
        ("import shared.commands.report, shared.commands.render, papers.gaussian_affinity.targets", "torch"),
        ("import shared.commands.status", "matplotlib"),
        ("import shared.reporting.site_folder", "torch pandas seaborn"),
        ("import shared.rehearsal.costs", "torch"),
        ("import shared.data.rendered.characters", "torch matplotlib.pyplot"),
        ("import shared.losses, papers.gaussian_affinity, papers.regular_polytope.targets", "torch"),
        (
            "from shared.runs.registry import papers; [paper.runs('full') for paper in papers().values()]",
            "torch numpy PIL simplejpeg scipy matplotlib",
        ),
    ],
)
def test_no_more_is_imported_than_is_needed(code, unneeded):
    code = f"import sys; {code}; print({set(unneeded.split())} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
