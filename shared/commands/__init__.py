"""The command line, and what the Snakefile asks."""

import os

# Pictures go to files alone, whatever the environment would show them with; Snakemake's jobs inherit this.
os.environ["MPLBACKEND"] = "agg"
