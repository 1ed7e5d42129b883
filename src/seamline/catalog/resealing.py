"""Seal everything anew under the first key, so that the others can be thrown away."""

from seamline.catalog.store import Catalog

_SEALED = {"destination": ("config",), "hook": ("url", "secret")}


def reseal(catalog: Catalog) -> int:
    """Seal all configurations and hooks anew, all or none; return how many texts.

    Raises ``Refused`` if one was sealed with a key that is not there.
    """
    count = 0
    with catalog.transaction():
        for row in catalog.all("destination_sealed"):
            catalog.run("destination_reseal", **_anew(catalog, row, _SEALED["destination"]))
            count += 1
        for row in catalog.all("hook_sealed"):
            catalog.run("hook_reseal", **_anew(catalog, row, _SEALED["hook"]))
            count += 2
    return count


def _anew(catalog: Catalog, row: dict[str, str], names: tuple[str, ...]) -> dict[str, str]:
    box = catalog.secrets
    return {"id": row["id"], **{name: box.seal(box.open(row[name])) for name in names}}
