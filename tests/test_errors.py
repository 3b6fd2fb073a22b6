"""What a user can mend is told in a sentence: memory that was refused, by whoever does; a name that is not there."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from shared.commands import cli
from shared.errors import out_of_memory, suggestion

WANTED = 2**58


def of_torch():
    torch.empty(WANTED)


def of_numpy():
    np.empty(WANTED)


def of_python():
    bytearray(WANTED)


def of_a_gpu():
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 8 GiB")


@pytest.mark.parametrize(
    ("asks", "told"),
    [
        (of_torch, "memory ran out (tried to allocate 1152921504606846976 bytes); "),
        (of_numpy, "memory ran out (unable to allocate 2.00 EiB); "),
        (of_python, "memory ran out; "),
        (of_a_gpu, "memory ran out (tried to allocate 20.00 GiB); "),
    ],
)
def test_memory_that_is_refused_is_one_sentence_and_status_2(monkeypatch, capsys, asks, told):
    monkeypatch.setattr(cli, "_list", lambda _: asks())
    with pytest.raises(SystemExit) as ended:
        cli.main(["list"])
    assert ended.value.code == 2
    [said] = capsys.readouterr().err.splitlines()
    assert said.startswith(f"error: {told}give the same command again with fewer jobs side by side")


def test_an_error_of_another_kind_is_none_of_memory(monkeypatch):
    assert out_of_memory(RuntimeError("shapes cannot be multiplied")) is None

    def wrong(_):
        raise RuntimeError("shapes cannot be multiplied")

    monkeypatch.setattr(cli, "_list", wrong)
    with pytest.raises(RuntimeError, match="shapes"):
        cli.main(["list"])


def test_a_name_that_several_have_is_listed_once():
    assert suggestion("nope", ["table1", "figure2", "table1"]) == "valid are: figure2, table1"
