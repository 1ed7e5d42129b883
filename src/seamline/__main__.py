"""``python -m seamline`` is the ``seamline`` command."""

from seamline.cli.main import main

if __name__ == "__main__":
    main()
