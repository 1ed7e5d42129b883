"""The gate's fast verdict against slow oracles, on random schemas and records."""

import json
from typing import Any

import jsonschema
import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seamline.core.timestamp import is_valid
from seamline.gate.answer import Answer
from seamline.gate.check import Checker
from seamline.gate.repeats import repeated_key
from seamline.gate.violations import explain

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.integers(-3, 3),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=4),
    st.sampled_from(["2024-05-01T10:00:00Z", "2024-05-01", "2024-02-30", "10:00"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
    ),
    max_leaves=5,
)
KINDS = st.sampled_from(["string", "integer", "number", "boolean", "object", "array", "null"])
LEAVES = st.fixed_dictionaries(
    {},
    optional={
        "type": st.one_of(KINDS, st.lists(KINDS, min_size=1, max_size=3, unique=True)),
        "format": st.just("date-time"),
        "minLength": st.integers(0, 3),
        "maxLength": st.integers(0, 3),
        "minimum": st.integers(-2, 2),
        "maximum": st.integers(-2, 2),
        "maxItems": st.integers(0, 2),
        "enum": st.lists(SCALARS, min_size=1, max_size=3, unique_by=repr),
    },
)
PROPERTIES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"not": inner}),
        st.fixed_dictionaries({"type": st.just("array"), "items": inner}),
        st.fixed_dictionaries(
            {"type": st.just("object"), "properties": st.dictionaries(st.sampled_from("ab"), inner)}
        ),
    ),
    max_leaves=4,
)
SCHEMAS = st.fixed_dictionaries(
    {"properties": st.dictionaries(st.sampled_from("abc"), PROPERTIES, max_size=3)},
    optional={
        "required": st.lists(st.sampled_from("abc"), min_size=1, max_size=2, unique=True),
        "additionalProperties": st.booleans(),
    },
)
RECORDS = st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=4)

FORMATS = jsonschema.FormatChecker(formats=())
FORMATS.checks("date-time")(lambda text: not isinstance(text, str) or is_valid(text))


def draft_4(schema: Any, record: Any) -> bool:
    # Draft 4 in Python calls 1.0 an integer only since 2018; the contract does not.
    checker = jsonschema.Draft4Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    )
    judge = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
        jsonschema.Draft4Validator, type_checker=checker
    )
    return bool(judge(schema, format_checker=FORMATS).is_valid(record))


def verdict(schema: Any, records: list[Any]) -> tuple[bool, str, list[int]]:
    body = {
        "table_name": "t",
        "schema": schema,
        "messages": [{"action": "upsert", "sequence": 1, "data": record} for record in records],
    }
    try:
        checked = Checker().check(json.dumps(body).encode())
    except Answer as answer:
        return False, msgspec.json.decode(answer.content)["error"], []
    return True, "", checked.misfits


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(SCHEMAS, RECORDS)
def test_the_gate_agrees_with_jsonschema(schema: Any, record: Any) -> None:
    expected = draft_4(schema, record)
    accepted, words, _ = verdict(schema, [record])
    assert accepted == expected, words
    if not accepted:
        assert words.startswith("Record 0 did not conform to schema: #")


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(SCHEMAS, RECORDS)
def test_the_words_of_a_refusal_agree_with_the_verdict(schema: Any, record: Any) -> None:
    if any("enum" in json.dumps(sub) for sub in schema["properties"].values()):
        return  # everit ignores the type beside an enum, draft 4 does not
    assert (explain(schema, record) is None) == draft_4(schema, record)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(SCHEMAS, st.lists(RECORDS, min_size=1, max_size=4))
def test_plain_records_hold_only_what_columns_can_read(schema: Any, records: list[Any]) -> None:
    accepted, _, misfits = verdict(schema, records)
    for index, record in enumerate(records):
        if accepted and index not in misfits:
            for name, value in record.items():
                assert name in schema["properties"]
                if isinstance(value, int) and not isinstance(value, bool):
                    assert -(2**63) <= value < 2**63


def pairs_text(value: Any) -> str:
    """Write nested lists of pairs as JSON objects, repeated keys and all."""
    if isinstance(value, list):
        return "{" + ", ".join(f"{json.dumps(k)}: {pairs_text(v)}" for k, v in value) + "}"
    return json.dumps(value)


KEYS = st.sampled_from(["a", "b", 'q"', '":', " :", "é"])
OBJECTS = st.recursive(
    st.lists(st.tuples(KEYS, SCALARS), max_size=3),
    lambda inner: st.lists(st.tuples(KEYS, st.one_of(SCALARS, inner)), max_size=3),
    max_leaves=4,
)


def repeats(value: Any) -> bool:
    if not isinstance(value, list):
        return False
    keys = [key for key, _ in value]
    return len(set(keys)) < len(keys) or any(repeats(inner) for _, inner in value)


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(OBJECTS, st.sampled_from([" ", "", "\n\t"]), st.booleans())
def test_repeated_keys_are_found(data: Any, space: str, escaped: bool) -> None:
    text = json.dumps([0]).replace("0", f'{{"data": {pairs_text(data)}}}')
    text = text.replace('": ', f'"{space}: ')
    if escaped:
        text = text.replace('"a"', '"\\u0061"')
    try:
        decoded = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return
    assert (repeated_key(text.encode(), decoded) is not None) == repeats(data)
