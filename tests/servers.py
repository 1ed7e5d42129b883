"""Programs no wheel brings: MariaDB, the oldest PostgreSQL we support, promtool,
libfaketime, a browser.

``python -m tests.servers`` fetches Debian's or Ubuntu's packages and unpacks them under ``.venv``;
nothing of the machine is changed and nobody needs to be root. ``MARIADB_BIN``, ``PG_OLD_BIN``
and ``CHROMIUM_BIN`` name others.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

SERVERS = Path(sys.prefix) / "servers"
OLDEST_POSTGRES = 15
"""The distribution's own is taken if it has no package of this one."""


def fetch() -> None:
    """Fetch what is not there yet."""
    if shutil.which("apt-get") is None:
        print("no apt-get: tests with MariaDB, the oldest PostgreSQL or a browser may be skipped")
        return
    _unpack("mariadb", "mariadb-server-core")
    _unpack("postgres", f"postgresql-{_postgres_version()}")
    _unpack("prometheus", "prometheus")
    _unpack("faketime", "libfaketime")
    if _installed_browser() is None:
        _unpack("chromium", "chromium")


def mariadb_binaries() -> Path:
    """Return the root of the MariaDB installation: ``usr/sbin/mariadbd`` is below."""
    return Path(os.environ["MARIADB_BIN"]) if "MARIADB_BIN" in os.environ else _there("mariadb")


def old_postgres_binaries() -> Path:
    """Return the folder of ``initdb`` and ``postgres``."""
    if "PG_OLD_BIN" in os.environ:
        return Path(os.environ["PG_OLD_BIN"])
    [found] = _there("postgres").glob("usr/lib/postgresql/*/bin")
    return found


def promtool() -> Path:
    """Return the program that checks Prometheus' rules."""
    return _there("prometheus") / "usr" / "bin" / "promtool"


def faketime() -> Path:
    """Return the library that gives the processes that preload it another clock."""
    [found] = _there("faketime").glob("usr/lib/*/faketime/libfaketimeMT.so.1")
    return found


def browser() -> tuple[str, dict[str, str]]:
    """Return the path of a Chromium and the environment it needs."""
    installed = _installed_browser()
    if installed is not None:
        return installed, {}
    root = _there("chromium")
    libraries = sorted({str(path.parent) for path in root.glob("usr/lib/**/*.so*")})
    libraries += sorted({str(path.parent) for path in root.glob("lib/**/*.so*")})
    program = root / "usr" / "lib" / "chromium" / "chromium"
    return str(program), {**os.environ, "LD_LIBRARY_PATH": ":".join(libraries)}


def _installed_browser() -> str | None:
    if "CHROMIUM_BIN" in os.environ:
        return os.environ["CHROMIUM_BIN"]
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


def _there(name: str) -> Path:
    folder = SERVERS / name
    if folder.is_dir():
        return folder
    if shutil.which("apt-get") is None:
        pytest.skip(f"{name}: no packages for this system; name a folder of binaries instead")
    pytest.fail(f"{folder} is missing; run: make servers")


def _unpack(name: str, package: str) -> None:
    folder = SERVERS / name
    if folder.is_dir():
        return
    SERVERS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=SERVERS) as scratch:
        if not _download(package, scratch):
            subprocess.run(["apt-get", "update", "-qq"], check=True)
            assert _download(package, scratch), f"apt-get has no package {package}"
        unpacked = Path(scratch) / "unpacked"
        for archive in Path(scratch).glob("*.deb"):
            subprocess.run(["dpkg", "-x", archive, unpacked], check=True)
        Path(scratch).chmod(0o755)
        unpacked.rename(folder)
    print(f"unpacked {package} into {folder}")


def _download(package: str, folder: str) -> bool:
    """Download a package and what it needs and this machine has not; say whether there is one."""
    needed = subprocess.run(
        ["apt-get", "install", "--simulate", "-qq", "--no-install-recommends", package],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    names = re.findall(r"^Inst (\S+) ", needed.stdout, re.MULTILINE)
    if needed.returncode != 0:
        return False
    done = subprocess.run(
        ["apt-get", "download", "-qq", *dict.fromkeys([package, *names])],
        cwd=folder, check=False, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return done.returncode == 0


def _postgres_version() -> int:
    names = subprocess.run(
        ["apt-cache", "pkgnames", "postgresql-"], capture_output=True, text=True, check=True
    ).stdout
    versions = [int(n) for n in re.findall(r"^postgresql-(\d+)$", names, re.MULTILINE)]
    return min((v for v in versions if v >= OLDEST_POSTGRES), default=OLDEST_POSTGRES)


if __name__ == "__main__":
    fetch()
