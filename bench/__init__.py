"""Figures, one command each (`make bench` runs all): ``python -m bench.<name>``.

Every one prints a table of ratios and figures against its goal and writes the same as JSON into
``bench/out/``. They measure; they never fail because a machine is slow.
"""
