"""Seamline: a self-hosted Import API.

Follow a record by reading seven files in this order:

1. ``gate/routes.py``          an HTTP request comes in
2. ``gate/check.py``           one pass over its bytes decides whether it is valid
3. ``queue/group.py``          it is durable before the answer leaves
4. ``load/worker.py``          the loader decides which table is due
5. ``prepare/stage.py``        JSON becomes typed columns
6. ``load/job.py``             plan, write, fence, report
7. ``destinations/relational.py``  rows stand in the warehouse, exactly once

``docs/explain/architecture.md`` tells the same story with a picture.
"""

__version__ = "0.1.0"
