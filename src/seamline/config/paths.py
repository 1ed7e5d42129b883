"""Where things lie under the data directory."""

from pathlib import Path


class DataDir:
    """The layout of one data directory; nothing is created until :meth:`create`."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root).absolute()
        self.catalog = self.root / "catalog.db"
        self.queue = self.root / "queue"
        self.spool = self.root / "spool"
        self.warehouse = self.root / "warehouse.duckdb"
        self.scratch = self.root / "scratch"
        self.gates = self.root / "gates"
        self.loader_socket = self.root / "loader.sock"
        self.server_lock = self.root / "server.lock"
        self.server_url = self.root / "server.url"
        self.pause_lock = self.root / "pause.lock"
        self.paused = self.root / "paused"
        self.loader_lock = self.root / "loader.lock"

    def create(self) -> None:
        """Make the directories, readable by their owner only."""
        for path in (self.root, self.queue, self.scratch, self.gates):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
