"""Compile ``gate/proof.c`` when Seamline is installed or built; without a compiler, do without."""

import os
import shlex
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = Path("src/seamline/gate/proof.c")
FLAGS = ["-O3", "-std=c11", "-fPIC", "-shared", "-fstack-protector-strong", "-Wall", "-Wextra"]


class ProofHook(BuildHookInterface[Any]):
    """The library needs no Python, so one wheel per platform serves every version."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the library beside its source."""
        if self.target_name == "sdist":
            return
        root = Path(self.root)
        library = root / SOURCE.with_name("_proof.so")
        compiler = shlex.split(os.environ.get("CC", "cc"))
        command = [*compiler, *FLAGS, "-o", str(library), str(root / SOURCE)]
        try:
            subprocess.run(command, check=True)  # noqa: S603 - ours, or what CC names
        except (OSError, subprocess.CalledProcessError) as error:
            library.unlink(missing_ok=True)
            self.app.display_warning(f"requests will be checked more slowly: {error}")
            return
        if version == "standard":
            platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{platform}"
            build_data["artifacts"].append(str(library.relative_to(root)))
