"""Write the parts of the papers' READMEs that come from the published records and from `runs.yaml`.

The kinds of parts (`shared/reporting/readme.py` has their markers):

    deviations      the deviations of `runs.yaml`
    table TARGET    a table as it is drawn from the published records
    measured        what single runs measure; a line for each below the kind, `WORDS | RUN | BENCHMARK/METRIC`, and
                    ` | DECIMALS` where two are not the right number; several runs in braces are averaged seed by seed
"""

from __future__ import annotations

from shared.commands.render import draw
from shared.data.files import write_atomically
from shared.errors import UserError, suggestion
from shared.evaluation.spread import mean
from shared.records.records import Records, find_records
from shared.records.results import Results
from shared.reporting.comparison import by_seed
from shared.reporting.readme import Part, Quantity, deviations_text, measured_text, rewrite, target_text
from shared.reporting.table import Table
from shared.runs import registry
from shared.runs.reference import listed_runs
from shared.runs.registry import Paper

KINDS = ("deviations", "table", "measured")
_FIELDS = (3, 4)


def write_readmes(results: Results, *, check: bool = False) -> list[str]:
    """Write the parts of all papers' READMEs, none with `check`; return which differed, by file, line and kind.

    Raises:
        UserError: a README cannot be read, or asks for what there is not.

    """
    differing = []
    for paper in registry.papers().values():
        path = paper.folder / "README.md"
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror}); create it.") from None
        written, changed = rewrite(text, str(path), _Parts(paper, results).content)
        differing += changed
        if changed and not check:
            write_atomically(path, written.encode())
    return differing


class _Parts:
    """What the parts of one paper's README show."""

    def __init__(self, paper: Paper, results: Results) -> None:
        self.paper, self.results = paper, results

    def content(self, part: Part) -> str:
        match part:
            case Part("deviations", (), ()):
                return deviations_text(self.paper.deviations)
            case Part("table", (target,), ()):
                return self._table(target)
            case Part("measured", (), lines) if lines:
                return self._measured(lines)
        if part.kind in KINDS:
            raise UserError(f"'{part.kind}' has not what it needs; shared/commands/readme.py says what that is.")
        raise UserError(f"nothing is known of the kind '{part.kind}'; {suggestion(part.kind, KINDS)}")

    def _table(self, target: str) -> str:
        drawn = draw(self.paper, target, "published", self.results)
        if not isinstance(drawn, Table):
            raise UserError(f"{target} is a figure; name a table.")
        return target_text(drawn, ours=self.paper.target(target).ours)

    def _measured(self, lines: tuple[str, ...]) -> str:
        published = find_records(self.results.paper("published", self.paper.key))
        records = Records.read(published, self.paper.reference)
        return measured_text([self._quantity(line, records) for line in lines])

    def _quantity(self, line: str, records: Records) -> Quantity:
        fields = [field.strip() for field in line.split("|")]
        if len(fields) not in _FIELDS or fields[2].count("/") != 1 or not "".join(fields[3:] or "0").isdigit():
            raise UserError(f"'{line}' is not WORDS | RUN | BENCHMARK/METRIC, with | DECIMALS or without.")
        name, run, place = fields[:3]
        benchmark, metric = place.split("/")
        by_run = [by_seed(records, self.paper.run(one, "full").name, benchmark, metric) for one in listed_runs(run)]
        seeds = sorted(set.intersection(*(set(values) for values in by_run)))
        if not seeds:
            raise UserError(f"no published record of {run} has {place}; correct the line or remove it.")
        values = [mean([values[seed] for values in by_run]) for seed in seeds]
        return Quantity(name, run, values, decimals=int(fields[3]) if fields[3:] else 2)
