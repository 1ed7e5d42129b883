"""Breaking things on purpose. ``make crash`` runs all of it, ``make test`` a bounded part."""

import os
import shutil
import subprocess

EVERYTHING = os.environ.get("SEAMLINE_CRASH") == "all"


def _works(*command: str) -> bool:
    if os.geteuid() != 0 or shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


CAN_MOUNT = _works("losetup", "--find") and shutil.which("mkfs.ext4") is not None
"""Whether a file can be mounted as a disk; it takes root and loop devices."""
CAN_CAGE = _works("unshare", "--mount", "mount", "--make-rprivate", "/") and _works(
    "setpriv", "--dump"
)
"""Whether a process can be given a file system of its own."""
