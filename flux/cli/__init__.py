"""The command line: commands, rendering, exit codes.

`main.py` has the table of commands; each is imported when it runs and not before, so that `flux list`
answers in less time than a person notices. Nothing here knows the store or the engine.
"""
