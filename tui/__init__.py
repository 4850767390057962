"""The terminal UI: a client of the public API and nothing else.

`app.py` is given a client and knows nothing more of the daemon. What is seen is computed by pure files
(`model`, `timeline`, `dossier`, `query`, `columns`, `gantt`, `format`) and drawn by `widgets`; `feed`,
`pager` and `reader` are the three that wait for the daemon. The package is `tui` in a checkout and
`flux.tui` when installed, so inside it imports are relative, or of `flux`.
"""
