"""`python -m shared`: the suite without Snakemake."""

from shared.commands.cli import main

if __name__ == "__main__":
    main()
