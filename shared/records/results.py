"""Where results lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Results:
    """The paths below one folder of results, `results` unless told otherwise; of a loss of one's own, those of it."""

    root: Path = Path("results")
    trial: str = ""

    def paper(self, scale: str, paper: str) -> Path:
        """Return the folder of a paper's tables, figures and runs at a scale."""
        return self.of_trial(scale) / paper if self.trial else self.root / scale / paper

    def of_trial(self, scale: str) -> Path:
        """Return the folder of all that a loss of one's own leaves behind at a scale."""
        return self.root / scale / "trials" / self.trial

    def seed(self, scale: str, paper: str, run: str, seed: int) -> Path:
        """Return the folder of what one seed of one run leaves behind."""
        return self.paper(scale, paper).joinpath("runs", run, f"seed{seed}")

    def record(self, scale: str, paper: str, run: str, seed: int) -> Path:
        """Return the record of one seed of one run."""
        return self.seed(scale, paper, run, seed) / "record.json"

    def place(self, record: Path) -> tuple[str, str]:
        """Return the run and the seed whose place a record has."""
        *run, seed, _ = record.relative_to(self.root).parts[5 if self.trial else 3 :]
        return "/".join(run), seed.removeprefix("seed")

    def benchmark(self, scale: str, paper: str, run: str, seed: int, name: str) -> Path:
        """Return what a benchmark evaluated in a job of its own leaves behind."""
        return self.seed(scale, paper, run, seed) / "benchmarks" / f"{name}.json"

    def checkpoints(self, scale: str, paper: str, config_hash: str, seed: int, code: str) -> Path:
        """Return the folder of the checkpoints of one seed of the run configured so, trained by the code so called."""
        return self.root / scale / "checkpoints" / paper / config_hash / f"seed{seed}" / code

    def same_bits(self) -> Path:
        """Return the file that says which code was shown to leave the same bits."""
        return self.root / "published" / "same-bits.yaml"

    def target(self, scale: str, paper: str, name: str, suffix: str) -> Path:
        """Return the file of a table or figure, by suffix (csv, md, tex, png, pdf)."""
        return self.paper(scale, paper) / f"{name}.{suffix}"

    def verdicts(self, scale: str) -> Path:
        """Return the file of the verdicts at a scale."""
        return self.root / scale / "verdicts.json"

    def report(self, scale: str) -> Path:
        """Return the first page of the report of a scale."""
        return (self.of_trial(scale) if self.trial else self.root / scale) / "report" / "index.html"


SUFFIXES = {"table": ("csv", "md", "tex"), "figure": ("png", "pdf", "csv")}
