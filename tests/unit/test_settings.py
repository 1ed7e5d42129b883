"""Settings and their origins."""

from pathlib import Path

import pytest

from seamline.config.settings import Settings, load_settings
from seamline.core.errors import Refused


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    return tmp_path / "seamline.toml"


def test_flag_beats_environment_beats_file(toml: Path) -> None:
    toml.write_text("port = 1\nflush_rows = 1\nhost = 'h'\n")
    environment = {"SEAMLINE_CONFIG": str(toml), "SEAMLINE_PORT": "2", "SEAMLINE_FLUSH_ROWS": "2"}
    found = load_settings({"port": 3, "flush_seconds": None}, environment)
    assert (found.settings.port, found.settings.flush_rows, found.settings.host) == (3, 2, "h")
    assert found.origins["port"] == "flag --port"
    assert found.origins["flush_rows"] == "SEAMLINE_FLUSH_ROWS"
    assert found.origins["host"] == str(toml)
    assert found.origins["flush_seconds"] == "default"
    assert found.settings.flush_seconds == Settings().flush_seconds


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prot = 1", "unknown setting \\[prot\\]"),
        ("port = 'x'", "port is \\[x\\]"),
        ("port = -1", "the least is 0"),
        ("port = true", "must be a whole number"),
        ("host = 5", "must be text"),
        ("log_format = 'xml'", "log_format is \\[xml\\].*must be text, json"),
        ("port = ", "not valid TOML"),
    ],
)
def test_mistakes_name_setting_value_and_source(toml: Path, text: str, words: str) -> None:
    toml.write_text(text)
    with pytest.raises(Refused, match=words):
        load_settings({}, {"SEAMLINE_CONFIG": str(toml)})


def test_a_named_file_must_exist(toml: Path) -> None:
    with pytest.raises(Refused, match="not a file"):
        load_settings({}, {"SEAMLINE_CONFIG": str(toml)})
