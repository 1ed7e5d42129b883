"""The ``seamline`` command: one file per subcommand, imported when it is called.

``main.py`` is the way in; ``options.py`` holds what all commands share.
"""
