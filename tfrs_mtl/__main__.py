"""`python -m tfrs_mtl`: the command line."""

from tfrs_mtl.cli import main

main()
