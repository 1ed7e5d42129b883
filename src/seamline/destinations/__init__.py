"""Destinations: one folder each, with the same file names.

``base.py`` is the contract (capabilities as data, five operations), ``registry.py`` knows the
types by name.
"""
