"""``python -m tests.property.cut_proof LIBRARY``: feed ``proof.c`` spoilt messages.

Run with a library built to notice bad accesses. Each text lies in memory of exactly its own length,
so that one byte too far is one that the sanitizer sees. Prints how many texts there were.
"""

import ctypes
import json
import random
import sys
from pathlib import Path

from bench import inputs

from seamline.gate.check import Checker
from seamline.gate.proof import Program, Prover, program_of

_SPOILT = [b"\\", b'"', b"\\u", b"\\ud83d", b"\xf0", b"\xe2\x82", b"{", b"[", b"}", b"-", b"1e",
           b"2024-01-0", b"\x00", b",", b":", b"null", b"99999999999999999999"]  # fmt: skip


def main() -> None:
    """Cut at every byte, then spoil by chance."""
    prover = Prover(Path(sys.argv[1]))
    if prover.missing:
        sys.exit(prover.missing)
    count = 0
    for name in ("flat", "nested"):
        [body] = inputs.bodies_of(name, inputs.lines_of(name, 3), 3)
        checked = Checker().check(body)
        program = program_of(json.loads(checked.schema), checked.keys)
        assert program is not None
        text = checked.messages
        for end in range(len(text)):
            _prove(prover, program, text[:end])
        chance = random.Random(7)
        for _ in range(10_000):
            spoilt = bytearray(text)
            for _ in range(chance.randint(1, 4)):
                at = chance.randrange(len(spoilt))
                spoilt[at : at + chance.randint(0, 12)] = chance.choice(_SPOILT)
            _prove(prover, program, bytes(spoilt[: chance.randint(0, len(spoilt))]))
        count += len(text) + 10_000
    print(count)


def _prove(prover: Prover, program: Program, text: bytes) -> None:
    exact = ctypes.CDLL(None).malloc
    exact.restype, exact.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    free = ctypes.CDLL(None).free
    free.argtypes = [ctypes.c_void_p]
    block = exact(len(text) + 1)  # the NUL at the end counts
    ctypes.memmove(block, text + b"\0", len(text) + 1)
    prover.prove_at(program, block, len(text), 20_000)
    free(block)


if __name__ == "__main__":
    main()
