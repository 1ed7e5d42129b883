"""Real clients of the hosted service, each in an environment of its own.

The locks are made with
``uv pip compile --universal --generate-hashes --no-emit-index-url -o NAME.lock NAME.in``; for
target-stitch with an override to a psutil that has wheels (it pins one of 2019, for a metric it
does not send here), which is why they are installed without looking at dependencies again.
"""

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def python_with(client: str) -> Path:
    """Return the Python of the client's environment, making it the first time."""
    lock = HERE / f"{client}.lock"
    folder = ROOT / f".venv-{client}"
    stamp = folder / hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    with (ROOT / f".venv-{client}.lock").open("w") as guard:  # tests run in several processes
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not stamp.exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
            pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
            flags = ["--disable-pip-version-check", "--require-hashes", "--no-deps"]
            subprocess.run([*pip, *flags, "-r", str(lock)], check=True)
            stamp.touch()
    return folder / "bin" / "python"
