"""``python -m seamline.cli.child supervisor|gate|loader``: the processes of a server.

The same as the commands of these names, without the command line: all settings come down in the
environment, and reading flags would take 5 MB in each process.
"""

import sys

from seamline.cli.ending import ended
from seamline.cli.roles import RUN
from seamline.config.settings import load_settings

if __name__ == "__main__":
    ended(lambda: RUN[sys.argv[1]](load_settings({}).settings))
