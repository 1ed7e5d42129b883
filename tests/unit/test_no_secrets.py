"""No secret is in the repository, and nothing that a test or a download left behind."""

import subprocess
from pathlib import Path

import pytest
from detect_secrets.core.scan import scan_file
from detect_secrets.settings import transient_settings

ROOT = Path(__file__).parents[2]
PLUGINS = (
    "ArtifactoryDetector", "AWSKeyDetector", "AzureStorageKeyDetector", "GitHubTokenDetector",
    "GitLabTokenDetector", "JwtTokenDetector", "NpmDetector", "OpenAIDetector",
    "PrivateKeyDetector", "PypiTokenDetector", "SendGridDetector", "SlackDetector",
    "StripeDetector", "TwilioKeyDetector",
)  # fmt: skip
TEXTS = (".py", ".md", ".toml", ".html", ".js", ".sql", ".yml")
AT_THE_TOP = {
    ".gitignore", "BENCHMARKS.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile",
    "README.md", "SECURITY.md", "hatch_build.py", "pyproject.toml", "requirements.lock",
}  # fmt: skip


def tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return listed.stdout.rstrip("\0").split("\0")


def found_in(paths: list[Path]) -> list[str]:
    plugins = [{"name": name} for name in PLUGINS]
    with transient_settings({"plugins_used": plugins}):
        secrets = [secret for path in paths for secret in scan_file(str(path))]
    return [f"{secret.filename}:{secret.line_number} {secret.type}" for secret in secrets]


def test_no_file_holds_a_secret() -> None:
    texts = [ROOT / name for name in tracked() if Path(name).suffix in TEXTS]
    assert len(texts) > 300
    assert found_in(texts) == []


@pytest.mark.parametrize("line", ["-----BEGIN " + "RSA PRIVATE KEY-----", "ghp_" + "a1B2" * 9])
def test_one_would_be_found(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.py").write_text(f"key = '{line}'\n")
    assert found_in([tmp_path / "a.py"])


def test_nothing_lies_about() -> None:
    assert {name for name in tracked() if "/" not in name} == AT_THE_TOP
