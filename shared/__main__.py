"""`python -m shared`: the suite without Snakemake."""

from shared.commands.cli import main
from shared.commands.ending import end_after

if __name__ == "__main__":
    end_after(main)
