"""DuckDB: the embedded warehouse, one file.

``config.py`` its settings, ``types.py`` its capabilities, ``sql.py`` its statements, ``load.py``
the operations.
"""
