"""The queue: what the gate acknowledged and the loader has not yet loaded.

``base.py`` is the contract, ``sqlite.py`` with ``segment.py`` the embedded back-end, ``group.py``
lets many concurrent requests share one fsync.
"""
