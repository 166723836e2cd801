"""`python -m portal`: the `portal` command where it is not on PATH."""

from portal.cli import main

main()
