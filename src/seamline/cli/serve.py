"""``seamline serve``: everything, on one machine."""

from seamline.catalog import accounts
from seamline.cli.logs import set_up_logs
from seamline.cli.options import SettingFlags, configured
from seamline.home import prepare_home
from seamline.server import Supervisor


def serve(*, flags: SettingFlags = SettingFlags()) -> None:  # type: ignore[valid-type]  # noqa: B008
    """Run the server: a gate that takes records and a loader that brings them to the warehouse.

    An empty data directory becomes a ready Seamline with an account and the destination
    DATA_DIR/warehouse.duckdb. SIGTERM and Ctrl-C stop it cleanly; what was acknowledged and not
    yet loaded is loaded after the next start.
    """
    settings = configured(flags).settings
    set_up_logs("supervisor", settings)
    catalog = prepare_home(settings)
    client = accounts.client_id(catalog)
    setup = accounts.new_setup_secret(catalog)
    catalog.close()
    supervisor = Supervisor(settings)

    def ready() -> None:
        print(
            f"Seamline is ready at {supervisor.url} (client id {client}, data in "
            f"{settings.data_dir})",
            flush=True,
        )
        if setup:
            print(f"Set the admin password, once: {supervisor.url}/setup/{setup}", flush=True)

    supervisor.run(ready)
