"""Steps that are not on a record's way: hooks, migrations, and a disk that lies."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seamline.catalog import hooks
from seamline.catalog.store import Catalog, migrations
from seamline.watch.courier import Courier
from tests.crash import victim
from tests.crash.shapes import SHAPES
from tests.crash.test_matrix import place_of  # noqa: F401 - a fixture
from tests.depot import Depot, upsert
from tests.receiver import Receiver


def deliver(folder: str, _: Callable[..., None]) -> None:
    """Call every hook that is due."""
    settings = replace(victim.Place(folder, "", {}).opened(), local_hooks=True)
    catalog = Catalog(Path(folder) / "catalog.db")
    courier = Courier(catalog, settings)
    while any(one["state"] == "due" for one in hooks.calls(catalog)):
        courier.step()


def migrate(folder: str, _: Callable[..., None]) -> None:
    """Open the catalog as every process does."""
    Catalog(Path(folder) / "catalog.db").close()


def test_a_hook_that_may_not_have_been_noted_is_called_again(depot: Depot) -> None:
    receiver = Receiver()
    hooks.create(depot.catalog, depot.integration.destination_id, receiver.url, allow_http=True)
    depot.push("t", ["id"], upsert(1, id=1))
    folder = depot.settings.data_dir
    assert victim.run(deliver, folder, armed="hook.called=crash")[0]
    assert not victim.run(deliver, folder)[0]
    assert len(receiver.calls) == 2, "at least once, and the same body"
    assert receiver.calls[0].body == receiver.calls[1].body
    assert not victim.run(deliver, folder)[0]
    assert len(receiver.calls) == 2
    receiver.close()


def old_catalog(folder: Path, version: int) -> None:
    """Make a catalog as a program of that version left it, with an integration in it."""
    db = sqlite3.connect(folder / "catalog.db", isolation_level=None)
    for script in migrations()[:version]:
        db.executescript(script)
    db.execute(f"PRAGMA user_version = {version}")
    db.execute("INSERT INTO account (client_id, created_at) VALUES (7, '2026-01-01')")
    db.close()


def outcome(folder: Path) -> tuple[int, list[str], Any]:
    db = sqlite3.connect(folder / "catalog.db")
    names = [row[0] for row in db.execute("SELECT sql FROM sqlite_schema ORDER BY name")]
    version = db.execute("PRAGMA user_version").fetchone()[0]
    accounts = db.execute("SELECT client_id FROM account").fetchall()
    db.close()
    return version, names, accounts


@pytest.mark.parametrize("version", range(1, len(migrations())))
def test_a_catalog_of_any_version_is_migrated_whole(tmp_path: Path, version: int) -> None:
    for name in ("whole", "crashed", "fresh"):
        (tmp_path / name).mkdir()
    old_catalog(tmp_path / "whole", version)
    old_catalog(tmp_path / "crashed", version)
    Catalog(tmp_path / "whole" / "catalog.db").close()
    for step in range(1, len(migrations()) - version + 1):
        folder = str(tmp_path / "crashed")
        assert victim.run(migrate, folder, armed=f"migration.step=crash@{step}")[0]
        assert outcome(tmp_path / "crashed")[0] == version, "all of it or nothing"
    assert not victim.run(migrate, str(tmp_path / "crashed"))[0]
    assert outcome(tmp_path / "crashed") == outcome(tmp_path / "whole")
    Catalog(tmp_path / "fresh" / "catalog.db").close()
    assert outcome(tmp_path / "whole")[:2] == outcome(tmp_path / "fresh")[:2]
    assert outcome(tmp_path / "whole")[2] == [(7,)], "what was there stays"


def test_a_migration_in_pieces_is_noticed(tmp_path: Path) -> None:
    """Plant the defect the test above must notice."""
    old_catalog(tmp_path, 1)
    armed = "migration.step=crash@1"
    assert victim.run(migrate, str(tmp_path), armed=armed, defect="migration_apart")[0]
    assert outcome(tmp_path)[0] != 1


def test_a_disk_that_keeps_half_of_a_file_is_noticed(
    place_of: Callable[[str], victim.Place],  # noqa: F811
) -> None:
    """The spool answered 202, but half of it is on the disk: it is set aside, and no other is."""
    place, shape = place_of("duckdb"), SHAPES["keyed"]
    armed = "queue.append=error;spool.write=torn@1"
    _, said = victim.run(victim.push, place, shape.during, armed=armed)
    assert len(said) == len(shape.during), "all were acknowledged"
    victim.run(victim.push_and_load, place, shape.last)
    spool = Path(place.folder) / "spool"
    assert [path.suffix for path in spool.iterdir()] == [".damaged"]
    receipts = dict(said)
    _, [[found]] = victim.run(victim.finish, place, [], receipts)
    states = {name: found["journeys"][receipt] for name, receipt in receipts.items()}
    assert states["b"] is None
    assert {states["c"]["state"], states["d"]["state"]} == {"loaded"}
