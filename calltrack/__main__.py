"""`python -m calltrack` is the command line."""

from calltrack.cli import main

main()
