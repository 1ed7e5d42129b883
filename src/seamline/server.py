"""The supervisor: one gate (or more) and one loader as processes that share queue and catalog.

It imports as little as it can, because it does nothing but start them, start them again when they
die, and stop them in order: the gate first, so that nothing new comes in, then the loader.
"""

import contextlib
import errno
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from http import HTTPStatus

from seamline.config.address import address_of, asked
from seamline.config.lock import ProcessLock
from seamline.config.paths import DataDir
from seamline.config.settings import Settings
from seamline.core.errors import Refused, Trouble

PARENT_PIPE = "SEAMLINE_PARENT_PIPE"
"""Environment variable with the file descriptor that closes when the supervisor dies."""

_LOOK_SECONDS = 0.05
_READY_SECONDS = 30.0
_STOP_SECONDS = 30.0
_QUICK_DEATH_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 10.0
_DEATHS_AT_START = 3
_PORT_SECONDS = 3.0


@dataclass(slots=True)
class _Role:
    name: str
    process: subprocess.Popen[bytes]
    started: float
    quick_deaths: int = 0
    start_again_at: float = 0.0


class Supervisor:
    """Keeps the processes of one data directory running."""

    def __init__(self, settings: Settings, on_death: Callable[[str, int], None]) -> None:
        """Take the data directory; raise ``Refused`` if another server has it.

        ``on_death`` is told of each process that dies: its role and exit code.
        """
        self._on_death = on_death
        layout = DataDir(settings.data_dir)
        _check_tls(settings)
        self._lock = ProcessLock(layout.server_lock, "server")
        if settings.port == 0:
            settings = replace(settings, port=_free_port(settings.host))
        _wait_for_port(settings.host, settings.port)
        self.settings = settings
        self._layout = layout
        layout.loader_socket.unlink(missing_ok=True)
        # The children hold the reading end; the kernel closes ours however we die.
        self._pipe = os.pipe()
        self._roles = [self._spawn("loader")]
        self._roles += [self._spawn("gate") for _ in range(settings.gate_workers)]
        self._stopping = threading.Event()

    @property
    def url(self) -> str:
        """The base URL of the gate."""
        host = f"[{self.settings.host}]" if ":" in self.settings.host else self.settings.host
        scheme = "https" if self.settings.tls_cert else "http"
        return f"{scheme}://{host}:{self.settings.port}"

    def run(self, on_ready: Callable[[], None]) -> None:
        """Serve until SIGTERM or SIGINT; raise ``Trouble`` if the gate does not come up."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stopping.set())
        deadline = time.monotonic() + _READY_SECONDS
        ready = False
        try:
            while not self._stopping.is_set():
                self._look_after(ready)
                if not ready and self._answers():
                    ready = True
                    self._layout.server_url.write_text(self.url)
                    on_ready()
                if not ready and time.monotonic() > deadline:
                    raise Trouble(
                        f"gate or loader did not answer within {_READY_SECONDS:.0f} seconds"
                    )
                self._stopping.wait(_LOOK_SECONDS)
        finally:
            self._stop()

    def _spawn(self, role: str, quick_deaths: int = 0) -> _Role:
        environment = {
            **os.environ,
            PARENT_PIPE: str(self._pipe[0]),
            **environment_of(self.settings),
        }
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "seamline.cli.child", role],
            env=environment,
            pass_fds=[self._pipe[0]],
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C reaches us alone; we stop them in order
        )
        return _Role(role, process, time.monotonic(), quick_deaths)

    def _look_after(self, ready: bool) -> None:
        now = time.monotonic()
        for index, role in enumerate(self._roles):
            code = role.process.poll()
            if code is None:
                continue
            if not ready and role.quick_deaths >= _DEATHS_AT_START:
                raise Trouble(f"the {role.name} does not start (exit code {code}); see above")
            if not role.start_again_at:
                quick = now - role.started < _QUICK_DEATH_SECONDS
                role.quick_deaths = role.quick_deaths + 1 if quick else 0
                pause = min(0.1 * 2**role.quick_deaths, _LONGEST_PAUSE_SECONDS)
                role.start_again_at = now + (pause if role.quick_deaths > 1 else 0.0)
                self._on_death(role.name, code)
            if now >= role.start_again_at:
                self._roles[index] = self._spawn(role.name, role.quick_deaths)

    def _answers(self) -> bool:
        if not self._layout.loader_socket.exists():
            return False
        try:
            return asked(self.url, "/v2/import/status", 2)[0] == HTTPStatus.OK
        except OSError:
            return False

    def _stop(self) -> None:
        for name in ("gate", "loader"):
            members = [role.process for role in self._roles if role.name == name]
            for process in members:
                with contextlib.suppress(ProcessLookupError):
                    process.terminate()
            for process in members:
                try:
                    process.wait(_STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
        for end in self._pipe:
            os.close(end)
        self._layout.server_url.unlink(missing_ok=True)
        self._lock.release()


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the variables that hand all settings to another process."""
    return {f"SEAMLINE_{name.upper()}": str(value) for name, value in asdict(settings).items()}


def watch_parent() -> None:
    """In a child: stop like on SIGTERM when the supervisor is gone. Does nothing without one."""
    descriptor = os.environ.pop(PARENT_PIPE, None)
    if descriptor is None:
        return

    def wait() -> None:
        os.read(int(descriptor), 1)  # returns only when the writing end is closed
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent-watch", daemon=True).start()


def _check_tls(settings: Settings) -> None:
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise Refused("tls_cert and tls_key belong together; one of them is not set.")
    for name in (settings.tls_cert, settings.tls_key):
        if name and not os.access(name, os.R_OK):
            raise Refused(f"there is no file {name} that can be read (tls_cert, tls_key).")


def _free_port(host: str) -> int:
    with _bound(host, 0) as probe:
        return int(probe.getsockname()[1])


def _wait_for_port(host: str, port: int) -> None:
    """Raise ``Refused`` if someone else listens on the port.

    Gates share their port, so the system would let another server's gates share it, too. A gate
    whose supervisor was killed gets a moment to go away.
    """
    deadline = time.monotonic() + _PORT_SECONDS
    while True:
        try:
            _bound(host, port).close()
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise Refused(f"cannot listen on {host}:{port}: {error.strerror}.") from error
            if time.monotonic() >= deadline:
                raise Refused(
                    f"another program listens on {host}:{port}; choose another --port."
                ) from error
            time.sleep(0.1)
        else:
            return


def _bound(host: str, port: int) -> socket.socket:
    address = address_of(host)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    probe = socket.socket(family, socket.SOCK_STREAM)
    try:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address, port))
    except OSError:
        probe.close()
        raise
    return probe
