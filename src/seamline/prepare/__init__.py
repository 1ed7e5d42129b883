"""Preparation: the batches of one load become typed columns plus rejected records.

``stage.py`` is the way in. Plain records are read in columns by DuckDB (``columns.py``); misfits
are read one by one (``misfit.py``). ``spelling.py`` decides names, ``rejected.py`` holds what
cannot be loaded. Nothing here knows a destination; its rules come as data.
"""
