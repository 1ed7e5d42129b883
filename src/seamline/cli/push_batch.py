"""Make batch requests of records."""

from dataclasses import dataclass

import msgspec

from seamline.cli.push_source import Record


@dataclass(frozen=True, slots=True)
class BatchBody:
    """Everything of a batch request but its messages."""

    table: str
    schema: bytes
    keys: tuple[str, ...]

    def of(self, records: list[Record], first_sequence: int) -> bytes:
        """Put records around which nothing is re-encoded into a batch request."""
        messages = b",".join(
            b'{"action":"upsert","sequence":%d,"data":%s}' % (sequence, record.text)
            for sequence, record in enumerate(records, start=first_sequence)
        )
        head = msgspec.json.encode({"table_name": self.table, "key_names": list(self.keys)})
        return head[:-1] + b',"schema":' + self.schema + b',"messages":[' + messages + b"]}"
