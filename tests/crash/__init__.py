"""Breaking things on purpose. ``make crash`` runs all of it, ``make test`` a bounded part."""

import os

EVERYTHING = os.environ.get("SEAMLINE_CRASH") == "all"
