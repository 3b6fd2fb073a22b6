"""Why a training failed: a sentence of its log, the user's own line of a traceback, or what Snakemake says."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.commands.failures import require_started, why
from shared.errors import UserError

OWN = Path("/home/me/my_loss.py")
TRACE = f"""\
gaussian_affinity plane seed 0: epoch 1, step 8/144, loss 1.2, 900 images/s, 0:00:10 left
Traceback (most recent call last):
  File "/suite/shared/training/loop.py", line 130, in fit
    losses = scheme.update(batch)
  File "{OWN}", line 17, in forward
    return self.similarity(embedding)
           ^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/torch/functional.py", line 9, in matmul
    raise RuntimeError("no")
RuntimeError: mat1 and mat2 shapes
cannot be multiplied
"""


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("warning: slow\nerror: the data set cannot be had; fetch it.\n", "the data set cannot be had; fetch it."),
        (TRACE, f"{OWN}:17: RuntimeError: mat1 and mat2 shapes"),
        (TRACE.replace(str(OWN), "/suite/shared/losses/focal.py"), "RuntimeError: mat1 and mat2 shapes"),
        ("gaussian_affinity plane seed 0: stopped; the same command goes on from here\n", ""),
        ("", ""),
    ],
)
def test_a_log_ends_with_the_reason(log, said):
    assert why(log, [OWN]) == said


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("LockException:\nError: Directory cannot be locked.\n", "'snakemake --unlock'"),
        ("Building DAG of jobs...\nerror: my.yaml: unknown key.\n", "my.yaml: unknown key."),
        ("OSError: [Errno 28] No space left on device\n", "Snakemake failed: OSError: [Errno 28] No space left"),
        ("", "it said nothing"),
    ],
)
def test_what_fails_before_any_job_is_one_sentence(output, said):
    with pytest.raises(UserError) as error:
        require_started(output, Path("/folder"))
    assert said in str(error.value)


def test_a_job_that_failed_is_left_to_its_log():
    require_started("RuleException:\nWorkflowError:\nAt least one job did not complete successfully.\n", Path())
