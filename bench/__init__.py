"""Measure Seamline against peers and physical limits; ``python -m bench`` is the way in."""
