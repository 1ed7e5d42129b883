"""``python -m tests.fuzz --seconds 600``: fuzz the gate for as long as you like."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.gate import Fuzzer
from tests.server import Server


def main() -> None:
    """Run one server and one fuzzer; exit code 1 if anything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args()
    print(f"seed {asked.seed}, {asked.seconds:.0f} s", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "data", "--log-level", "error").start()
        try:
            report = Fuzzer(server).run(asked.seconds, asked.seed)
        finally:
            server.stop()
    print(f"{report.requests} requests, slowest {report.slowest:.2f} s")
    print(f"answers: {dict(sorted(report.answers.items()))}")
    print(f"gate: {report.memory_before >> 20} MiB, then {report.memory_after >> 20} MiB")
    for fault in report.faults:
        print(f"FOUND {fault}")
    sys.exit(bool(report.faults))


if __name__ == "__main__":
    main()
