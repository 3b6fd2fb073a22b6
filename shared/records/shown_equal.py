"""Which code was shown to leave the same bits: the file `results/published/same-bits.yaml`."""

from __future__ import annotations

import datetime
import re
from collections import defaultdict
from collections.abc import Collection
from functools import cached_property
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field

from shared.data.files import write_atomically
from shared.runs import yaml_files
from shared.runs.fields import Count, Strict

Fingerprint = Annotated[str, Field(pattern="^[0-9a-f]{12}$")]
Codes = tuple[Fingerprint, Fingerprint]


class _Quoting(yaml.SafeDumper):
    """Quotes each fingerprint that is all digits, or has one e among them: a number to some readers of YAML."""


_Quoting.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style="'" if re.fullmatch("[0-9e]+", text) else None
    ),
)


class Pair(Strict):
    """Two fingerprints of code that left the same bits in all of the `runs` that were compared and carry them.

    Both are of training code, or both of evaluation code; in older records one fingerprint stands for the two.
    """

    codes: Codes
    runs: Count


class Comparison(Strict):
    """What one comparison of two commits showed: at which scale, where, with which packages, on which day."""

    commits: tuple[str, str]
    scale: str
    machine: str
    packages: dict[str, str]
    date: datetime.date
    pairs: tuple[Pair, ...]


class ShownEqual(Strict):
    """All that was shown."""

    comparisons: tuple[Comparison, ...] = ()

    def equal(self, one: str, other: str) -> bool:
        """Whether two fingerprints are the same, or were shown equal, be it by way of others."""
        return one == other or bool(self._way((one, other)))

    def _way(self, codes: Codes) -> list[Codes]:
        """Return the pairs by way of which the first code is shown equal to the second, the fewest; none if it is not.

        A pair is of the code that comes first on the way, and the next.
        """
        before, pending = {codes[0]: ""}, [codes[0]]
        for code in pending:
            new = [partner for partner in sorted(self._partners[code]) if partner not in before]
            before |= dict.fromkeys(new, code)
            pending += new
        way: list[Codes] = []
        code = codes[1] if codes[1] in before else ""
        while code and before[code]:
            way.insert(0, (before[code], code))
            code = before[code]
        return way

    @cached_property
    def _partners(self) -> defaultdict[str, set[str]]:
        partners: defaultdict[str, set[str]] = defaultdict(set)
        for comparison in self.comparisons:
            for pair in comparison.pairs:
                partners[pair.codes[0]].add(pair.codes[1])
                partners[pair.codes[1]].add(pair.codes[0])
        return partners

    def with_comparison(self, comparison: Comparison, refuted: Collection[Codes]) -> ShownEqual:
        """Return all that is shown with a further comparison, but without the pairs that it refuted or repeats.

        Of what is refuted every pair by way of which it would still be shown goes too: one of them does not hold.
        """
        shown = self._without([pair.codes for pair in comparison.pairs])
        shown = ShownEqual(comparisons=(*shown.comparisons, comparison))._without(refuted)
        for codes in refuted:
            while way := shown._way(codes):
                shown = shown._without(way)
        return shown

    def _without(self, taken: Collection[Codes]) -> ShownEqual:
        gone = {frozenset(codes) for codes in taken}
        kept = [
            earlier.model_copy(
                update={"pairs": tuple(pair for pair in earlier.pairs if frozenset(pair.codes) not in gone)}
            )
            for earlier in self.comparisons
        ]
        return ShownEqual(comparisons=tuple(entry for entry in kept if entry.pairs))


def read_shown_equal(path: Path) -> ShownEqual:
    """Read what was shown; nothing where there is no such file.

    Raises:
        UserError: the file is not as it should be; names the line and the key.

    """
    if not path.exists():
        return ShownEqual()
    return yaml_files.validated(ShownEqual, yaml_files.load(path))


def write_shown_equal(path: Path, shown: ShownEqual) -> None:
    """Write what was shown, whole or not at all."""
    text = yaml.dump(
        shown.model_dump(mode="json"), Dumper=_Quoting, sort_keys=False, width=120, default_flow_style=None
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text.encode())
