"""`python -m bpcli` -> the same command line as `bpcli`."""

from bpcli.cli import main

main(prog_name="bpcli")
