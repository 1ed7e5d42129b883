"""``seamline rotate-key``: seal what is secret under a new key."""

from seamline.catalog.resealing import reseal
from seamline.cli.options import DEFAULT_OPTIONS, Options
from seamline.cli.printing import console, print_json
from seamline.config.secrets import VARIABLE


def rotate_key(*, options: Options = DEFAULT_OPTIONS) -> None:
    """Replace the key that destinations and hooks are sealed with; a server may run meanwhile.

    Keys in SEAMLINE_SECRET_KEY are yours to make: set "NEW,OLD", start the server again, run this,
    and leave the old one out.
    """
    with options.catalog() as catalog:
        if not catalog.secrets.is_given:
            catalog.secrets.add_key()
        sealed = reseal(catalog)
        if not catalog.secrets.is_given:
            catalog.secrets.keep_first()
        place = VARIABLE if catalog.secrets.is_given else "secret.key"
    if options.json:
        print_json({"sealed": sealed, "key_from": place})
        return
    console().print(f"Sealed {sealed} texts under the first key of {place}.")
