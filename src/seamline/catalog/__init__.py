"""The catalog: what exists (integrations, tokens, tables) and what happened (loads, receipts).

One SQLite file. Every statement has a name in ``queries.sql``; the schema is the sum of the
numbered files in ``migrations/``. One module per noun; read ``store.py`` first.
"""
