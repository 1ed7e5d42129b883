"""Loading: what waits in the queue becomes rows, exactly once.

``worker.py`` is the loader's loop, ``schedule.py`` decides which table is due, ``job.py`` loads
one table once, ``plan.py`` (pure) decides what has to change in the warehouse first. ``reads.py``
answers queries of other processes, because the loader is the one that may open the file.
"""
