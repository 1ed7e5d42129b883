"""The loader's loop: notice what arrived, load what is due, let go of what is idle."""

import sqlite3
import threading
import time
from datetime import timedelta

from seamline.catalog import destinations, integrations, loads, notifications, table_settings
from seamline.catalog.store import Catalog
from seamline.config.lock import holder_of
from seamline.config.paths import DataDir
from seamline.config.settings import Settings
from seamline.core.batch import split_stream
from seamline.core.clock import now
from seamline.core.errors import DestinationBusy, DestinationDown, SeamlineError
from seamline.core.log import logger
from seamline.destinations.base import Destination
from seamline.destinations.registry import open_destination
from seamline.load.job import Loader
from seamline.load.schedule import Flush, Schedule
from seamline.prepare.engine import open_engine
from seamline.queue.opening import open_queue, open_spool

log = logger()

_POLL_SECONDS = 0.02
_ARRIVALS_AT_ONCE = 10_000
_TRIM_SECONDS = 1.0
_SETTINGS_SECONDS = 1.0


class Destinations:
    """The open destinations of a loader process, by id; safe to use from several threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open: dict[int, tuple[destinations.DestinationRecord, Destination]] = {}
        self._lock = threading.Lock()

    def opened(self, record: destinations.DestinationRecord) -> Destination:
        """Return the destination of a record, the same one until its settings change."""
        with self._lock:
            known, opened = self._open.get(record.id, (None, None))
            if known is None or opened is None or known.config != record.config:
                if opened is not None:
                    opened.close()
                opened = open_destination(record.type, record.config, self._settings)
                self._open[record.id] = (record, opened)
            return opened

    def relax(self) -> None:
        """Let go of destinations nothing was done with lately."""
        for _, destination in list(self._open.values()):
            destination.relax(self._settings.idle_close_seconds)

    def close(self) -> None:
        """Let go of all destinations."""
        for _, destination in list(self._open.values()):
            destination.close()


class Worker:
    """Loads until it is told to stop; lives in one thread."""

    def __init__(self, settings: Settings, opened: Destinations) -> None:
        self._layout = DataDir(settings.data_dir)
        self._layout.paused.unlink(missing_ok=True)  # of a loader that was killed
        self._catalog = Catalog(self._layout.catalog)
        self._queue = open_queue(settings)
        self._spool = open_spool(settings)
        self._destinations = opened
        self._flush = Flush(settings.flush_seconds, settings.flush_rows, settings.flush_bytes)
        self._flushes: dict[str, Flush] = {}
        self._decided: table_settings.Decided = {}
        self._schedule = Schedule(self._flush_of)
        self._loader = Loader(
            self._catalog, self._queue, open_engine(settings), self._flush.most_rows,
            self._flush.most_bytes, settings.max_record_bytes,
        )  # fmt: skip
        self._seen = 0
        self._aside: list[str] = []
        self._trimmed_at = 0.0
        self._decided_at = float("-inf")

    def run(self, stop: threading.Event) -> None:
        """Load until ``stop`` is set; a load that has begun is finished."""
        while not stop.is_set():
            try:
                self._step(stop)
            except Exception:
                log.exception("the loader's loop goes on after something nobody foresaw")
                stop.wait(_TRIM_SECONDS)
        self._queue.trim()
        self._destinations.close()
        self._queue.close()
        self._catalog.close()

    def _step(self, stop: threading.Event) -> None:
        if holder_of(self._layout.pause_lock):
            self._pause(stop)
        self._reread_settings()
        self._notice()
        self._trim()
        stream = self._schedule.due(time.monotonic())
        if stream is None:
            self._destinations.relax()
            stop.wait(_POLL_SECONDS)
        else:
            self._load(stream)

    def _pause(self, stop: threading.Event) -> None:
        """Let go of everything as long as a backup is made."""
        self._destinations.close()
        while holder_of(self._layout.pause_lock) and not stop.is_set():
            self._layout.paused.touch()  # each time, for another backup may have begun
            stop.wait(_POLL_SECONDS)
        self._layout.paused.unlink(missing_ok=True)

    def _notice(self) -> None:
        committed: dict[str, int] | None = None
        while arrivals := self._queue.arrivals(self._seen, _ARRIVALS_AT_ONCE):
            committed = self._queue.committed() if committed is None else committed
            self._schedule.arrived(arrivals, committed, time.monotonic())
            self._seen = arrivals[-1].position

    def _load(self, stream: str) -> None:
        integration_id, table = split_stream(stream)
        begin = time.monotonic()
        try:
            integration = integrations.get(self._catalog, integration_id)
            destination = self._destinations.opened(self._target(stream))
            flush = self._flush_of(stream)
            loaded = self._loader.run(
                stream, integration, destination, flush.most_rows, flush.most_bytes
            )
        except (DestinationBusy, DestinationDown) as error:
            self._put_off_destination(stream, error)
        except SeamlineError as error:
            self._put_off_stream(stream, error)
        except (sqlite3.Error, OSError) as error:  # of our own disk: it may be well at any moment
            log.exception("a load failed on our own disk", stream=stream)
            self._put_off_stream(stream, error, soon=True)
        except Exception as error:
            log.exception("a load failed in a way nobody foresaw", stream=stream)
            self._put_off_stream(stream, error)
        else:
            if loaded is None:
                self._schedule.empty(stream)
                return
            took = time.monotonic() - begin
            self._schedule.loaded(stream, loaded.position, loaded.records, loaded.size, begin, took)
            log.info(
                "loaded", schema=integration.schema_name, table=table, records=loaded.records,
                requests=len(loaded.receipts), receipt=loaded.receipts[0],
                last_receipt=loaded.receipts[-1],
            )  # fmt: skip

    def _flush_of(self, stream: str) -> Flush:
        """Return when a stream is loaded; asked often, so it is remembered for a while."""
        if stream not in self._flushes:
            integration_id, table = split_stream(stream)
            try:
                destination = self._destinations.opened(self._target(stream))
            except SeamlineError:  # its load will say so; the others must go on
                return self._flush
            name = destination.capabilities.naming.canonical(table)
            chosen = table_settings.of_table(self._decided, integration_id, name)
            self._flushes[stream] = Flush(
                self._flush.seconds if chosen.flush_seconds is None else chosen.flush_seconds,
                chosen.flush_rows or self._flush.rows,
                chosen.flush_bytes or self._flush.bytes,
            )
        return self._flushes[stream]

    def _reread_settings(self) -> None:
        if time.monotonic() - self._decided_at >= _SETTINGS_SECONDS:
            decided, self._decided_at = table_settings.decided(self._catalog), time.monotonic()
            if decided != self._decided:
                self._decided, self._flushes = decided, {}
                self._schedule.reconsider()

    def _put_off_stream(self, stream: str, error: Exception, *, soon: bool = False) -> None:
        at = time.monotonic()
        if soon:
            wait = self._schedule.unreachable([stream], at, busy=False)
        else:
            wait = self._schedule.stopped(stream, at)
        log.warning("table stopped", stream=stream, retry_seconds=wait, error=str(error))
        self._note(stream, error, wait, counts=True)
        place = split_stream(stream)
        notifications.put(self._catalog, notifications.JAMMED, stream, str(error), place)

    def _put_off_destination(self, stream: str, error: Exception) -> None:
        at = self._target(stream).id
        waiting = [name for name in self._schedule.streams if self._target(name).id == at]
        busy = isinstance(error, DestinationBusy)
        wait = self._schedule.unreachable(waiting, time.monotonic(), busy=busy)
        log.warning("destination waits", id=at, retry_seconds=wait, error=str(error))
        self._note(stream, error, wait, counts=not busy)
        if not busy:
            about = f"destination/{at}"
            notifications.put(self._catalog, notifications.LOADING_ERROR, about, str(error))

    def _target(self, stream: str) -> destinations.DestinationRecord:
        return destinations.of_integration(self._catalog, split_stream(stream)[0])

    def _note(self, stream: str, error: Exception, wait: float, *, counts: bool) -> None:
        retry_at = now() + timedelta(seconds=wait)
        loads.postpone(self._catalog, split_stream(stream), str(error), retry_at, counts=counts)

    def _trim(self) -> None:
        if time.monotonic() - self._trimmed_at >= _TRIM_SECONDS:
            self._queue.trim()
            self._trimmed_at = time.monotonic()
            self._tell_of_damage()

    def _tell_of_damage(self) -> None:
        """Keep a notification open as long as files lie aside."""
        names = [*self._queue.aside(), *self._spool.damaged()]
        if names == self._aside:
            return
        self._aside = names
        if names:
            text = (
                f"parts of the queue were damaged on the disk: {', '.join(names)}. Check the disk; "
                "receipts that are damaged name what to send again; then remove the files."
            )
            notifications.put(self._catalog, notifications.DAMAGED, "queue", text)
        else:
            notifications.resolve(self._catalog, notifications.DAMAGED, "queue")
