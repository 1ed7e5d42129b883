"""Values and rules every stage shares. Imports nothing else of Seamline.

Read ``batch.py`` first: a batch is what the gate stores and what the loader loads.
"""
