"""What ``proof.c`` proves is what Python would have accepted, whatever the bytes are."""

import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from bench import inputs
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from seamline.core.timestamp import PLAIN_PATTERN
from seamline.gate.answer import Answer
from seamline.gate.check import Checker
from seamline.gate.proof import LIBRARY, Prover, program_of
from seamline.gate.repeats import repeated_key
from seamline.gate.schemas import compile_schema

FAST = Checker()
SLOW = Checker(Prover(Path("there is no such library")))

TIMES = st.from_regex(
    r"\A[0-2][0-9]{3}-[01][0-9]-[0-3][0-9]([T ][0-2][0-9]:[0-6][0-9](:[0-6][0-9](\.[0-9]{0,10})?)?"
    r"(Z|z|[+-][0-2][0-9](:?[0-6][0-9])?)?)?\Z"
)
NUMBERS = st.from_regex(r"\A-?[0-9]{1,20}(\.[0-9]{0,9})?([eE][+-]?[0-9]{1,3})?\Z")
SCALARS = st.one_of(
    st.sampled_from(["null", "true", "false", "-0", "1.0", "9223372036854775808", '"\\ud800"']),
    st.integers(-(2**65), 2**65).map(str),
    st.integers(-9, 9).map(str),
    NUMBERS,
    st.text(max_size=6).map(json.dumps),
    st.text(max_size=6).map(lambda text: json.dumps(text, ensure_ascii=False)),
    TIMES.map(json.dumps),
)


def _object(pairs: list[tuple[str, str]]) -> str:
    return "{" + ", ".join(f"{json.dumps(name)} : {value}" for name, value in pairs) + "}"


NAMES = st.sampled_from(["a", "b", "c", "ä", "B"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]"),
        st.lists(st.tuples(NAMES, inner), max_size=3).map(_object),
    ),
    max_leaves=6,
)
NOTES = {"title": st.just("t"), "default": st.none(), "enum": st.just([1, "a"])}
TYPES = st.sampled_from(["string", "integer", "number", "boolean"])
LEAVES = st.fixed_dictionaries(
    {
        "type": st.one_of(
            TYPES,
            TYPES.map(lambda kind: ["null", kind]),
            st.lists(TYPES, min_size=2, max_size=3, unique=True),
        )
    },
    optional={
        "format": st.sampled_from(["date-time", "date", "email"]),
        "minLength": st.integers(0, 3),
        "maxLength": st.integers(0, 5),
        "minimum": st.integers(-3, 3),
        "maximum": st.sampled_from([2, 2**70, 2.5]),
        "multipleOf": st.sampled_from([1, 0.1, 0.01, 0.000001, 0.25, 10]),
        **NOTES,
    },
)


def _objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {"type": st.sampled_from(["object", ["object", "null"]])},
        optional={
            "properties": st.dictionaries(NAMES, inner, max_size=4),
            "required": st.lists(NAMES, min_size=1, max_size=2, unique=True),
            "additionalProperties": st.booleans(),
        },
    )


SUBS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"type": st.just("array"), "items": inner}),
        _objects(inner),
        inner.map(lambda sub: {"anyOf": [sub, {"type": "null"}]}),
        st.lists(inner, min_size=1, max_size=2).map(lambda subs: {"anyOf": subs}),
    ),
    max_leaves=6,
)
SCHEMAS = st.fixed_dictionaries(
    {"type": st.just("object"), "properties": st.dictionaries(NAMES, SUBS, max_size=4)},
    optional={"required": st.lists(NAMES, min_size=1, max_size=2, unique=True)},
)


def fitting(schema: Any, draw: Any) -> str:
    """Write a value that the schema probably allows: mere chance seldom finds one."""
    if draw(st.integers(0, 15)) == 0:
        return str(draw(VALUES))
    if "anyOf" in schema:
        return fitting(draw(st.sampled_from(schema["anyOf"])), draw)
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    kind = draw(st.sampled_from(kinds))
    if kind == "object":
        declared = schema.get("properties", {})
        names = list(draw(st.permutations(sorted(declared))))
        if names and draw(st.integers(0, 4)) == 0:
            names.append(names[0])
        if names and draw(st.integers(0, 4)) == 0:
            names.pop()
        return _object([(name, fitting(declared[name], draw)) for name in names])
    if kind == "array":
        count = draw(st.integers(0, 3))
        return f"[{','.join(fitting(schema['items'], draw) for _ in range(count))}]"
    if kind == "string":
        times = TIMES.map(json.dumps)
        texts = st.text(max_size=6).map(lambda text: json.dumps(text, ensure_ascii=False))
        return str(draw(times if schema.get("format") == "date-time" else texts))
    if kind in ("integer", "number"):
        return str(draw(st.one_of(st.integers(-4, 4).map(str), NUMBERS)))
    return str(draw(st.sampled_from(["true", "false"] if kind == "boolean" else ["null"])))


@st.composite
def messages(draw: Any, schema: Any) -> str:
    odd = draw(st.integers(0, 9)) == 0
    parts = [
        ('"action"', draw(st.sampled_from(['"delete"', '"up"'])) if odd else '"upsert"'),
        ('"sequence"', draw(st.sampled_from(["1", "1", str(2**63 - 1), str(2**63 - 1 + odd)]))),
        ('"data"', fitting(schema, draw)),
    ]
    extra = draw(st.sampled_from(["", "", "", "time_extracted", "vintage", "action", "x"]))
    if extra in ("time_extracted", "vintage") or (extra and odd):
        parts.append((f'"{extra}"', json.dumps(draw(TIMES))))
    written = draw(st.permutations(parts))
    return "{" + ",".join(f"{key}:{value}" for key, value in written) + "}"


@st.composite
def schemas(draw: Any) -> tuple[Any, tuple[str, ...]]:
    """A schema, and key names that it has."""
    schema = draw(SCHEMAS)
    declared = sorted(schema["properties"])
    if "required" in schema:
        schema["required"] = [name for name in schema["required"] if name in declared] or ["a"]
    keys = draw(st.lists(st.sampled_from(declared), max_size=1)) if declared else []
    return schema, tuple(keys)


@st.composite
def bodies(draw: Any) -> bytes:
    schema, keys = draw(schemas())
    between = draw(st.sampled_from([",", " , ", ",\n"]))
    written = between.join(draw(st.lists(messages(schema), max_size=3)))
    return (
        f'{{"table_name":"t","schema":{json.dumps(schema)},"key_names":{json.dumps(keys)},'
        f'"messages":[{written}]}}'
    ).encode()


def verdict(checker: Checker, body: bytes) -> Any:
    try:
        return checker.check(body)
    except Answer as refusal:
        return refusal.status, refusal.content


def test_the_library_is_there() -> None:
    """Everything works without it, only more slowly; so nothing else would tell."""
    assert Prover().missing is None
    assert SLOW._prover.missing


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(schemas(), st.data())
def test_what_is_proved_is_plain(made: tuple[Any, tuple[str, ...]], data: st.DataObject) -> None:
    schema, keys = made
    program = program_of(schema, keys)
    if program is None:
        return
    compiled = compile_schema(json.dumps(schema).encode(), keys)
    for _ in range(6):
        message = data.draw(messages(schema)).encode()
        proved = Prover().prove(program, b"[" + message + b"]", 1)
        if proved == (1, []):
            decoded = msgspec.json.decode(message)
            assert compiled.plain_messages.is_valid([decoded])
            assert repeated_key(b"[" + message + b"]", [decoded]) is None
            event("proved")


@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(bodies())
def test_same_verdict(body: bytes) -> None:
    assert verdict(FAST, body) == verdict(SLOW, body)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(bodies(), st.data())
def test_same_verdict_of_damaged_bytes(body: bytes, data: st.DataObject) -> None:
    damaged = bytearray(body)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(body.index(b'"messages"'), len(damaged) - 1))
        damaged[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    assert verdict(FAST, bytes(damaged)) == verdict(SLOW, bytes(damaged))


@pytest.mark.parametrize("name", ["flat", "nested", "orders", "wide"])
def test_usual_records_are_proved(name: str) -> None:
    """The benchmark's: a proof that doubts them all would pass every other test."""
    [body] = inputs.bodies_of(name, inputs.lines_of(name, 100), 100)
    checked = FAST.check(body)
    program = program_of(json.loads(checked.schema), checked.keys)
    assert program is not None
    assert Prover().prove(program, checked.messages, 20_000) == (100, [])


def proves(schema: Any, data: str, keys: tuple[str, ...] = (), rest: str = "") -> bool:
    program = program_of(schema, keys)
    assert program is not None
    text = f'[{{"action":"upsert","sequence":1,"data":{data}{rest}}}]'
    return Prover().prove(program, text.encode("utf-8", "surrogateescape"), 1) == (1, [])


@pytest.mark.parametrize(
    ("sub", "good", "doubtful"),
    [
        ({"type": "integer"},
         ["0", "-1", "9223372036854775807", "-9223372036854775807"],
         ["-0", "01", "1.0", "1e2", "9223372036854775808", "99999999999999999999", "null", '"1"',
          "true", "[1]", "-", "+1", "1a", ""]),
        ({"type": ["null", "integer"], "minimum": -2, "maximum": 3},
         ["-2", "3", "null"], ["-3", "4", "nul", "nulll"]),
        ({"type": "number"},
         ["1", "-0", "0.5", "1e2", "-1.25E-7", "999999999999999999", "1e17"],
         ["1.", ".5", "1e", "01", "1e18", "1000000000000000000", "1e999999999999", "NaN", "--1"]),
        ({"type": "number", "multipleOf": 0.01},
         ["1", "-1.5", "999999999.99"], ["1.005", "1e2", "1000000000", "1."]),
        ({"type": "boolean"}, ["true", "false"], ["tru", "truee", "null", "1", '"true"']),
        ({"type": "string"},
         ['""', '"abcdefgh"', '"äöü€😀"', r'"\u00e4\ud83d\ude00\n\""', '"\x7f"'],
         ['"\t"', '"abcdefg\n"', r'"\x"', r'"\u12"', r'"\ud83d"', r'"\ude00"', r'"\ud83d\u0041"',
          '"\udcff"', '"\udced\udca0\udc80"', '"\udcc0\udcaf"', '"\udcf4\udc90\udc80\udc80"',
          '"\udce2\udc82"', '"open', "1", "null"]),
        ({"type": "string", "minLength": 2, "maxLength": 3},
         ['"ab"', '"€€€"', r'"\u20ac\ud83d\ude00"', r'"\n\n\n"'],
         ['"a"', '"€"', '"abcd"', r'"\u20ac"', r'"\ud83d\ude00"', r'"\n\n\n\n"']),
        ({"type": "array", "items": {"type": "integer"}},
         ["[]", "[ ]", "[1]", "[1 , 2]"], ["[", "[1", "[1,]", "[,1]", "[1 2]", "[null]", "{}"]),
        ({"type": ["object", "null"], "properties": {"b": {"type": "integer"}, "c": {}},
          "required": ["b"]},
         ['{"b":1}', '{ "b" : 1 }', '{"b":1,"c":1}', "null"],
         ["{}", '{"b":1,"b":1}', '{"b":1,"d":1}', '{"b":1,"c":[1]}', '{"b":1,}', r'{"\u0062":1}',
          '{"b" 1}', '{"b":1', "[]"]),
        ({"anyOf": [{"type": "null"}, {"type": "string", "format": "date-time"}]},
         ["null", '"2024-02-29T10:00:00Z"'], ['"2023-02-29T10:00:00Z"', '"soon"', "1"]),
        ({"type": "string", "pattern": "^a"}, [], ['"a"']),
        ({"type": "integer", "minimum": 10**400}, [], ["1"]),
        ({"type": "integer", "maximum": -(10**400)}, [], ["1"]),
        ({"type": "string", "maxLength": 10**400}, ['"a"'], []),
        ({"type": "integer", "minimum": 0.5}, [], ["1"]),
        ({"type": "string", "format": "email"}, [], ['"a@b.c"']),
        ({"type": ["integer", "string"]},
         ["1", '"a"', '"5"', "4611686018427387904", "-4611686018427387904"],
         ["null", "true", "1.0", "1e2", "-0", "01", "4611686018427387905", "[1]", "{}", "-"]),
        ({"type": ["null", "boolean", "number"]},
         ["1", "-0.5", "-0.0", "1e2", "null", "true", "false", "999999999999999999"],
         ['"a"', "-0", "01", "01.5", "1.", "1e18", "12345678901234567890.5", "truee", ".5", "-"]),
        ({"type": ["integer", "string"], "maxLength": 3}, [], ["1", '"a"']),
        ({"type": ["integer", "string"], "format": "date-time"}, [], ["1"]),
        ({"type": ["integer", "object"]}, ["1"], ["{}", "1.5"]),
        ({"title": "anything"}, ["1", "-0.5", "null", "true", '"a"'], ["[]", "{}", "-0", "nul"]),
        ({"enum": [1]}, [], ["1"]),
        ({"type": ["string", "array"]}, ['"a"'], ['["a"]', "null"]),
    ],
)  # fmt: skip
def test_edges(sub: Any, good: list[str], doubtful: list[str]) -> None:
    schema = {"properties": {"a": sub}}
    assert [text for text in good if not proves(schema, f'{{"a":{text}}}')] == []
    assert [text for text in doubtful if proves(schema, f'{{"a":{text}}}')] == []


def test_edges_of_keys() -> None:
    schema = {"properties": {"a": {"type": ["null", "string"]}}}
    assert proves(schema, '{"a":null}')
    assert not proves(schema, '{"a":null}', ("a",))
    assert not proves(schema, "{}", ("a",))
    assert proves(schema, json.dumps({"a": "€" * 1024}), ("a",))
    assert not proves(schema, json.dumps({"a": "€" * 1025}), ("a",))
    union = {"properties": {"a": {"type": ["null", "string", "integer"]}}}
    assert proves(union, '{"a":null}')
    assert not proves(union, '{"a":null}', ("a",))
    assert proves(union, '{"a":7}', ("a",))
    assert proves(union, json.dumps({"a": "€" * 1024}), ("a",))
    assert not proves(union, json.dumps({"a": "€" * 1025}), ("a",))


@pytest.mark.parametrize(
    "rest",
    [',"x":1', ',"sequence":1', ',"data":{}', ',"time_extracted":"now"', ',"vintage":1', ",", ' "'],
)
def test_edges_of_messages(rest: str) -> None:
    assert proves({"properties": {}}, "{}", rest=',"time_extracted":"2024-01-01"')
    assert not proves({"properties": {}}, "{}", rest=rest)


def test_size_of_a_record() -> None:
    schema = {"properties": {"a": {"type": "array", "items": {"type": "integer"}}}}
    assert proves(schema, json.dumps({"a": [1] * 9_999}))
    assert not proves(schema, json.dumps({"a": [1] * 10_000}))


def test_every_day_and_clock_of_the_pattern() -> None:
    """C has the rule of plain date-times by hand; the pattern is the one Python goes by."""
    chance = random.Random(1)
    program = program_of({"properties": {"a": {"type": "string", "format": "date-time"}}}, ())
    assert program is not None
    zones = ["", "Z", "z", "+0530", "-23:59", "+24", "+1", "+05:3", "-0060", " Z"]
    clocks = ["", "T00:00", " 23:59:59", "T24:00", "T12:60", "T1:00", "T10:00:60", "T10:00:00."]
    for year in ("0000", "0001", "0004", "1900", "2000", "2024", "2100", "9999", "202", "20240"):
        for month in range(14):
            for day in range(33):
                clock = chance.choice([*clocks, f"T10:00:00.{'1' * chance.randint(1, 10)}"])
                text = f"{year}-{month:02}-{day:02}{clock}{chance.choice(zones)}"
                message = f'[{{"action":"upsert","sequence":1,"data":{{"a":"{text}"}}}}]'
                proved = Prover().prove(program, message.encode(), 1)
                assert proved is not None
                assert (not proved[1]) == bool(re.search(PLAIN_PATTERN, text)), text


@pytest.mark.slow
def test_no_byte_is_read_that_is_not_there(tmp_path: Path) -> None:
    """Under the compiler's sanitizers: every access out of bounds ends the process."""
    library = tmp_path / "proof.so"
    flags = ["-g", "-O1", "-std=c11", "-fPIC", "-shared", "-fsanitize=address,undefined",
             "-fno-sanitize-recover=all"]  # fmt: skip
    source = LIBRARY.with_name("proof.c")
    subprocess.run(["cc", *flags, "-o", str(library), str(source)], check=True)
    runtime = subprocess.run(
        ["cc", "-print-file-name=libasan.so"], check=True, capture_output=True, text=True
    ).stdout.strip()
    environment = {**os.environ, "LD_PRELOAD": runtime, "ASAN_OPTIONS": "detect_leaks=0"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.property.cut_proof", str(library)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) > 10_000
