"""Requests to the gate that start out right and are then spoilt."""

import gzip
import io
import json
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pyarrow as pa

from tests.contract.server import body, message

JSON = "application/json"
TRANSIT = "application/transit+json"
NDJSON = "application/x-ndjson"
ARROW = "application/vnd.apache.arrow.stream"


@dataclass
class Sent:
    """One request."""

    path: str
    content: bytes
    headers: dict[str, str] = field(default_factory=dict)
    method: str = "POST"


ODD: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**53, 2**63 - 1, 2**63, -(2**63) - 1, 2**64, 10**400, 0.1,
    -0.0, 1e308, 1e-400, 5e-324, "", " ", "\0", "a\0b", "\ud800", "\udfff\ud800", "é", "日本",
    "😀", "x" * 300, "x" * 2_000, "_sdc_x", "__sdc_primary_key", "id", "ID", "a.b", 'a"b', "'; --",
    "2020-01-01T00:00:00Z", "2020-13-01T00:00:00Z", "9999-12-31T23:59:60+14:00", "NaN", "~", "^",
    "^0", "^zz", "~#", "~f1e999999", "~n" + "9" * 400, "~m99999999999999999", "~zNaN", "~u-", "`",
    [], {}, [[]], [{}], {"": {}}, {"~#cmap": []}, ["^ "], ["~#set", 1], [1, "a", None, {"b": []}],
]  # fmt: skip
SCHEMA_WORDS: list[Any] = [
    {"type": "strin"}, {"type": []}, {"type": ["null"]}, {"type": 5}, {"$ref": "#"},
    {"$ref": "#/definitions/none"}, {"$ref": "http://127.0.0.1:1/"}, {"pattern": "("},
    {"pattern": "^(a+)+$"}, {"pattern": r"^(a*)*\1$"}, {"enum": []}, {"enum": [1, 1]},
    {"multipleOf": 0}, {"multipleOf": 1e-9}, {"minimum": "x"}, {"maxLength": -1}, {"items": []},
    {"oneOf": []}, {"oneOf": [{}, {}]}, {"not": {}}, {"anyOf": [{"type": "null"}]},
    {"format": "date-time"}, {"format": "email"}, {"uniqueItems": True}, {"dependencies": {"a": 1}},
    {"patternProperties": {"(": {}}}, {"additionalProperties": False}, {"required": []}, True, 5,
]  # fmt: skip
PATHS = (
    "/v2/import/status", "/v2/import/receipts/x", "/v2/import/batch", "/v2/import/receipts/%00",
    "/v1/clients/1/token/x", "/%ff", "/", "/openapi.json", "/docs/api",
)  # fmt: skip
PIECES = (
    b"\0", b"\xff", b"\xed\xa0\x80", b"[" * 2_000, b'"', b"\\", b"}", b"9" * 5_000, b"\n", b",",
    b"\\ud800", b"1e999",
)  # fmt: skip
FIELDS: dict[str, Any] = {
    "id": {"type": "integer"},
    "name": {"type": ["null", "string"]},
    "at": {"type": "string", "format": "date-time"},
    "price": {"type": "number", "multipleOf": 0.01},
    "tags": {"type": "array", "items": {"type": "string"}},
    "more": {"type": "object", "properties": {"a": {"type": "integer"}}},
}
RECORD = {
    "id": 1, "name": "a", "at": "2020-01-01T00:00:00Z", "price": 1.25, "tags": ["x"],
    "more": {"a": 1},
}  # fmt: skip


class Maker:
    """Makes requests for one account: ``client_id``, and the path of a webhook."""

    def __init__(self, random: Random, client_id: int, hook: str) -> None:
        self._random = random
        self._client_id = client_id
        self._hook = hook

    def request(self) -> Sent:
        """Return a request, spoilt once or several times, or not at all."""
        makers = (self._batch, self._batch, self._push, self._push, self._transit, self._webhook,
                  self._lines, self._arrow, self._other)  # fmt: skip
        sent = self._random.choice(makers)()
        if self._random.random() < 0.3:
            sent.content = self._spoilt_bytes(sent.content)
        if self._random.random() < 0.2:
            self._spoil_headers(sent)
        return sent

    def _batch(self) -> Sent:
        count = self._random.choice((1, 1, 2, 5, 300))
        messages = [message(sequence=i, data={**RECORD, "id": i}) for i in range(count)]
        if self._random.random() < 0.2:
            messages.append({"action": "delete", "sequence": 9, "data": {"id": 1}})
        if self._random.random() < 0.2:
            messages.append({"action": "activate_version", "sequence": 9})
        whole = body(schema={"properties": dict(FIELDS)}, messages=messages)
        path = self._random.choice(("/batch", "/batch", "/bigbatch", "/batch/validate"))
        return Sent(f"/v2/import{path}", self._text(self._spoilt(whole)), {"content-type": JSON})

    def _push(self) -> Sent:
        records = [self._pushed(i) for i in range(self._random.choice((1, 2, 5)))]
        path = self._random.choice(("/push", "/push", "/validate"))
        content = self._text(self._spoilt(records))
        return Sent(f"/v2/import{path}", content, {"content-type": JSON})

    def _pushed(self, key: int) -> dict[str, Any]:
        return {
            "client_id": self._client_id,
            "table_name": self._random.choice(("p", "q")),
            "sequence": key,
            "action": self._random.choice(("upsert", "upsert", "delete", "switch_view")),
            "key_names": ["id"],
            "data": {"id": key, "v": self._random.choice(ODD)},
        }

    def _transit(self) -> Sent:
        records = [
            ["^ ", *(part for pair in self._pushed(i).items() for part in pair)] for i in range(2)
        ]
        content = self._text(self._spoilt(records))
        return Sent("/v2/import/push", content, {"content-type": TRANSIT})

    def _webhook(self) -> Sent:
        whole = self._random.choice(({"a": 1}, [{"a": 1}, {"b": [1]}]))
        return Sent(self._hook, self._text(self._spoilt(whole)), {"content-type": JSON})

    def _lines(self) -> Sent:
        lines = [self._text(self._spoilt({**RECORD, "id": i})) for i in range(3)]
        query = self._random.choice(("", "?key=id", "?key=id&sequence=id", "?action=delete&key=id"))
        return Sent(f"/v2/import/records/n{query}", b"\n".join(lines), {"content-type": NDJSON})

    def _arrow(self) -> Sent:
        table = pa.table({"id": [1, 2], "s": ["a", None], "l": [[1], []], "d": [1.5, None]})
        sink = io.BytesIO()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        return Sent("/v2/import/records/a", sink.getvalue(), {"content-type": ARROW})

    def _other(self) -> Sent:
        path = self._random.choice(PATHS)
        method = self._random.choice(("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"))
        return Sent(path, b"", {}, method)

    def _spoilt(self, node: Any) -> Any:
        """Replace, rename, drop or wrap a few nodes of a document."""
        for _ in range(self._random.choice((0, 1, 1, 2, 4))):
            node = self._spoil(node, 0)
        return node

    def _spoil(self, node: Any, depth: int) -> Any:
        chance = self._random.random()
        if isinstance(node, dict) and node and chance < 0.75:
            name = self._random.choice(list(node))
            if chance < 0.1:
                return {key: value for key, value in node.items() if key != name}
            if chance < 0.2:
                return {**node, str(self._random.choice(ODD)): self._random.choice(ODD)}
            return {**node, name: self._spoil(node[name], depth + 1)}
        if isinstance(node, list) and node and chance < 0.75:
            place = self._random.randrange(len(node))
            return [*node[:place], self._spoil(node[place], depth + 1), *node[place + 1 :]]
        if chance > 0.95:
            for _ in range(self._random.choice((3, 70, 190, 250, 800))):
                node = [node] if self._random.random() < 0.5 else {"n": node}
            return node
        return self._random.choice(SCHEMA_WORDS if self._random.random() < 0.3 else ODD)

    def _text(self, value: Any) -> bytes:
        try:
            text = json.dumps(value, ensure_ascii=self._random.random() < 0.5)
        except RecursionError:
            text = "[" * 5_000
        if self._random.random() < 0.05:  # a key that stands twice
            text = text.replace("{", '{"id":7,', 1)
        return text.encode("utf-8", "surrogatepass")

    def _spoilt_bytes(self, content: bytes) -> bytes:
        for _ in range(self._random.choice((1, 1, 3))):
            place = self._random.randrange(len(content) + 1)
            piece = self._random.choice(PIECES)
            kind = self._random.randrange(4)
            if kind == 0:
                content = content[:place]
            elif kind == 1:
                content = content[:place] + piece + content[place:]
            elif kind == 2:
                content = content[:place] + piece + content[place + len(piece) :]
            else:
                content = content[: place // 2] + content[place:]
        return content

    def _spoil_headers(self, sent: Sent) -> None:
        kind = self._random.randrange(6)
        if kind == 0:
            sent.headers["content-type"] = self._random.choice(
                ("", ";", "application/json; charset=utf-16", "application/json; charset=x",
                 "text/plain", "application/json; charset=", JSON + ";" * 50)
            )  # fmt: skip
        elif kind == 1:
            sent.content = gzip.compress(sent.content)[: self._random.choice((5, None))]
            sent.headers["content-encoding"] = "gzip"
        elif kind == 2:
            sent.headers["content-encoding"] = self._random.choice(("gzip", "zstd", "br", ""))
        elif kind == 3:
            sent.headers["idempotency-key"] = self._random.choice(("k", "", "x" * 300, "a b"))
        elif kind == 4:
            sent.headers["authorization"] = self._random.choice(("", "Bearer", "Bearer " * 100))
        else:
            sent.headers["expect"] = "100-continue"
