"""`python -m tuner.cli`: the command line without the installed script."""

from tuner.cli import main

main()
