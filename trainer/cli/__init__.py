"""The command line: one file per command, each a thin layer over functions that are usable from Python.

A command's module has `SUMMARY`, `EXAMPLE`, `add_arguments(parser)` and `run(arguments) -> exit code`, and imports
nothing heavy until it runs.
"""
