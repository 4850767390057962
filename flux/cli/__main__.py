"""`python -m flux.cli`: the same program as the installed `flux`."""

from flux.cli.main import main

main()
