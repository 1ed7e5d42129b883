"""A server with as little as it needs, and logs that nobody else writes."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from seamline.cli.logs import set_up_logs
from seamline.config.settings import Settings
from tests.crash import CAN_CAGE
from tests.server import Server, batch_body

CAGE = """
mount --make-rprivate / && mount --bind {data} {data} && mount -o remount,ro,bind / || exit 9
others='$2 != "/" && $2 != "{data}" && $2 !~ "^/(proc|sys|dev)" {{print $2}}'
for place in $(awk "$others" /proc/mounts); do mount -o remount,ro,bind $place; done
touch {data}/../touched && exit 8
exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs \\
  env -i PATH=/usr/bin:/bin HOME=/nonexistent PYTHONDONTWRITEBYTECODE=1 "$@"
"""


@pytest.mark.slow
@pytest.mark.skipif(not CAN_CAGE, reason="building the cage takes root")
def test_it_writes_to_its_data_directory_only(tmp_path: Path) -> None:
    """A read-only file system but for the data directory, no capability, no home."""
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "cage.sh").write_text(CAGE.format(data=data))
    server = Server(data)
    process = subprocess.Popen(
        ["unshare", "--mount", "bash", str(tmp_path / "cage.sh"), sys.executable, "-m", "seamline",
         "serve", "--port", str(server.port), "--data-dir", str(data)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Seamline is ready")
        token = server.token()
        body = json.loads(batch_body("t", ["id"], [{"id": 1, "s": "x"}], 1))
        body["schema"]["properties"]["l"] = {"type": "array", "items": {"type": "integer"}}
        body["messages"][0]["data"]["l"] = [1, 2]
        _, headers, _ = server.post(token, json.dumps(body).encode())
        server.wait_until_loaded(token, headers["seamline-receipt"])
        assert server.query("SELECT count(*) AS n FROM import_api.t__l") == [{"n": 2}]
    finally:
        process.terminate()
        assert process.wait(60) == 0


def test_what_it_makes_is_its_owners_only(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o755)  # made by somebody less careful
    server = Server(data).start()
    token = server.token()
    _, headers, _ = server.post(token, batch_body("t", [], [{"id": 1}], 1))
    server.wait_until_loaded(token, headers["seamline-receipt"])
    assert [p for p in data.rglob("*") if p.stat().st_mode & 0o077] == []
    assert server.stop() == 0


@pytest.fixture
def no_log() -> Iterator[None]:
    """Afterwards logs are as they were."""
    yield
    logging.basicConfig(force=True)
    structlog.reset_defaults()


@pytest.mark.parametrize("form", ["text", "json"])
def test_nobody_writes_lines_of_their_own(
    capsys: pytest.CaptureFixture[str], no_log: None, form: str
) -> None:
    set_up_logs("loader", Settings(log_format=form))
    name = "t\n2026-01-01 [info] all is well \x1b[2J\r"
    structlog.get_logger("fresh").info("loaded", table=name, receipt="rc_1")
    logging.getLogger("a.library").warning("odd: %s", name)
    text = capsys.readouterr().err
    assert len(text.splitlines()) == 2
    assert "\x1b" not in text
