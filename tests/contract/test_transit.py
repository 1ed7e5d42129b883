"""Transit bodies: rows of import-api.md §5 by their IDs, the body of §1.13, hostile input."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seamline.catalog import accounts
from seamline.gate.answer import Answer
from seamline.gate.check import Checker
from seamline.gate.push import check_pushed
from seamline.gate.push_transit import records_of_transit
from seamline.gate.transit import Instant, NotLoadable, NotTransit, read_transit
from tests.contract.server import Api
from tests.depot import Depot

PUSH = "/v2/import/push"
VERIFIED = """[["^ ","client_id",7723,"table_name","t","sequence",1,"action","upsert","key_names",
["id"],"data",["^ ","id",1,"at","~m1714557600000","amount","~f12.3400","u",
"~u531a379e-31bb-4ce1-8690-158dceb64be6","big","~n12345678901234567890","esc","~~x"]],
["^ ","^0",7723,"^1","t","^2",2,"^3","upsert","^4",["id"],"^5",["^ ","id",2,"^6",null]]]"""


def read(text: str) -> Any:
    return read_transit(text.encode())


def transit(client_id: int, *datas: str) -> bytes:
    """Write a push body around records' data in Transit, without cache codes."""
    records = ",".join(
        f'["^ ","client_id",{client_id},"table_name","t","sequence",1,"action","upsert",'
        f'"key_names",["~#list",["id"]],"data",{data}]'
        for data in datas
    )
    return f"[{records}]".encode()


class TestValues:
    def test_ia_140_the_verified_body(self) -> None:
        first, second = read(VERIFIED)
        assert first["data"] == {
            "id": 1,
            "at": Instant("2024-05-01T10:00:00.000Z"),
            "amount": Decimal("12.3400"),
            "u": "531a379e-31bb-4ce1-8690-158dceb64be6",
            "big": 12345678901234567890,
            "esc": "~x",
        }
        assert (second["client_id"], second["table_name"]) == (7723, "t")
        assert second["data"] == {"id": 2, "amount": None}

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ('"abc"', "abc"),
            ('"~~x"', "~x"),
            ('"~^x"', "^x"),
            ('"~`x"', "`x"),
            ('"~_"', None),
            ('"~?t"', True),
            ('"~i123"', 123),
            ('"~n-12345678901234567890"', -12345678901234567890),
            ('"~d1.5"', 1.5),
            ('"~f1.2500"', Decimal("1.2500")),
            ('"~m-1"', Instant("1969-12-31T23:59:59.999Z")),
            ('"~t2016-12-19T18:40:00.123Z"', Instant("2016-12-19T18:40:00.123Z")),
            ('["~#m",1714557600000]', Instant("2024-05-01T10:00:00.000Z")),
            ('["~#u",[5988894939484277985,-8678820345168277530]]',
             "531ca0d2-8e16-43e1-878e-9a1fd5e6a7e6"),
            ('"~rhttp://x"', "http://x"),
            ('"~:name"', "name"),
            ('"~$name"', "name"),
            ('"~cA"', "A"),
            ('"~bAAEC"', "AAEC"),
            ('["~#set",[1,2]]', [1, 2]),
            ('["~#list",[1,2]]', [1, 2]),
            ('["~#ratio",["~n1","~n4"]]', 0.25),
            ('["~#\'",7]', 7),
            ('{"~#\'":7}', 7),
            ('["~#point",[1,2]]', [1, 2]),
            ('["~#cmap",["~:a",1,"b",2]]', {"a": 1, "b": 2}),
            ('["^ ","~:a",1,"~i5",2]', {"a": 1, "5": 2}),
            ('{"~:a":{"b":[]}}', {"a": {"b": []}}),
            ('["^ "]', {}),
            ("[]", []),
            ('["~:keyword","^0","~:other","^1"]', ["keyword", "keyword", "other", "other"]),
            ('[["~#set",[1]],["^0",[2]]]', [[1], [2]]),
        ],
    )  # fmt: skip
    def test_ia_138_to_147_values(self, text: str, value: Any) -> None:
        if "531ca0d2" in str(value):
            found = read(text)
            assert len(found) == 36
            assert found == found.lower()
        else:
            assert read(text) == value
            assert type(read(text)) is type(value)

    def test_the_cache_rolls_over(self) -> None:
        keys = [f"key{i:04d}" for i in range(44 * 44 + 1)]
        maps = [f'["^ ","{key}",1]' for key in keys]
        # The last key started the cache anew, so it has the first code.
        found = read("[" + ",".join(maps) + ',["^ ","^0",2]]')
        assert found[-1] == {keys[-1]: 2}

    def test_two_digit_codes(self) -> None:
        keys = [f"key{i:04d}" for i in range(60)]
        found = read("[" + ",".join(f'["^ ","{key}",1]' for key in keys) + ',["^ ","^10",2]]')
        assert found[-1] == {keys[44]: 2}

    @pytest.mark.parametrize(
        "text",
        ['["^ ","a"', '["^ ","a"]', '["^0"]', '["^!!"]', '"~ix"', '"~n' + "9" * 5000 + '"', '"~?x"',
         '"~uxyz"', '"~b!"', '"~fx"', '"~mx"', '"~tx"', '["~#ratio",[1,0]]', '["~#set",5]',
         '["~#a",1,2]', '["~#a","~#b"]', "[" * 300 + "]" * 300, "[" * 9999, '["^ ","a",1,"~:a",2]'],
    )  # fmt: skip
    def test_ia_148_malformed(self, text: str) -> None:
        with pytest.raises(NotTransit):
            read(text)

    @pytest.mark.parametrize(
        "text",
        ['"~zNaN"', '"~zINF"', '"~dNaN"', '"~d1e999"', '"~fNaN"', '"~m' + "9" * 30 + '"',
         '["~#cmap",[["^ "],1]]', '["~#cmap",[null,1]]'],
    )  # fmt: skip
    def test_values_no_table_can_hold(self, text: str) -> None:
        with pytest.raises(NotLoadable):
            read(text)


JSON = st.recursive(
    st.one_of(st.none(), st.integers(), st.text(alphabet='~^#" :minfztu0a', max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=3), inner)
    ),
    max_leaves=12,
)


@given(st.one_of(st.binary(max_size=50), JSON.map(lambda v: json.dumps(v).encode())))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    try:
        read_transit(body)
    except (NotTransit, NotLoadable):
        return


@given(st.one_of(st.binary(max_size=50), JSON.map(lambda v: json.dumps([v]).encode())))
def test_any_body_is_answered(body: bytes) -> None:
    status = 200
    try:
        check_pushed(records_of_transit(body), 1, Checker())
    except Answer as answer:
        status = answer.status
    assert status in (200, 400, 401, 403, 422)


class TestRequests:
    def test_ia_138_139_145_154_accepted(self, api: Api) -> None:
        client = accounts.client_id(api.catalog)
        verbose = [{"~:client_id": client, "~:table_name": "t", "sequence": 1, "action": "upsert",
                    "key_names": ["id"], "data": {"~:id": 1}}]  # fmt: skip
        for content in (transit(client, '["^ ","id",1]'), json.dumps(verbose).encode()):
            for path, status in ((PUSH, 201), ("/v2/import/validate", 200)):
                answer = api.post(content, path=path, content_type="application/transit+json")
                assert answer.status_code == status, answer.text

    def test_refusals(self, api: Api) -> None:
        client = accounts.client_id(api.catalog)
        for content, status in (
            (b'["^ ","a"', 400),
            (b'["^ "]', 400),
            (transit(client, '["^ ","id","~zNaN"]'), 422),
            (transit(client, '["^ ","x",1]'), 422),
            (transit(client + 1, '["^ ","id",1]'), 403),
        ):
            answer = api.post(content, path=PUSH, content_type="application/transit+json")
            assert answer.status_code == status, answer.text
        assert api.stored() == 0

    @pytest.mark.parametrize(
        ("charset", "status"),
        [("", 201), ("; charset=windows-1252", 201), ("; charset=iso-8859-1", 201),
         ("; charset=utf-8", 400), ("; charset=klingon", 415), ("; charset=punycode", 415)],
    )  # fmt: skip
    def test_ia_198_windows_1252(self, api: Api, charset: str, status: int) -> None:
        client = accounts.client_id(api.catalog)
        content = transit(client, '["^ ","id","é"]').decode().encode("windows-1252")
        answer = api.post(content, path=PUSH, content_type=f"application/transit+json{charset}")
        assert answer.status_code == status, answer.text
        if status == 201:
            queue = api.queue()
            [queued] = queue.read("1/t", 0, 10, 10**6)
            queue.close()
            assert msgspec.json.decode(queued.batch.messages)[0]["data"] == {"id": "é"}


def test_ia_141_to_147_types_reach_the_table(depot: Depot) -> None:
    client = accounts.client_id(depot.catalog)
    data = (
        '["^ ","id",1,"at","~m1714557600000","amount","~f12345678901234567890.12",'
        '"big","~n9223372036854775807","u","~u531a379e-31bb-4ce1-8690-158dceb64be6",'
        '"tags",["~#set",["x"]],"at_text","2024-05-01T10:00:00Z",'
        '"o",["^ ","at","~m1714557600000","l",["~m1714557600000",null]],'
        '"mixed",["~m1714557600000","2024-05-01"]]'
    )
    checked = check_pushed(
        records_of_transit(transit(client, data, '["^ ","id",2]')), client, Checker()
    )
    for part in checked:
        depot.queue.append([part.batch(depot.integration.id, "rc_1", depot.now())])
    depot.load()
    assert depot.data_columns("t") == {
        "amount": "decimal",
        "at": "timestamp",
        "at_text": "string",
        "big": "integer",
        "id": "integer",
        "o__at": "timestamp",
        "u": "string",
    }
    sql = 'SELECT "at"::VARCHAR, amount::VARCHAR, big FROM depot.t WHERE id = 1'
    assert depot.rows(sql) == [("2024-05-01 10:00:00", "12345678901234567890.120000", 2**63 - 1)]
    assert depot.table("t__tags", "value") == [("x",)]
    assert depot.columns("t__o__l")["value"] == "timestamp"
    assert depot.table("t__mixed", "value") == [("2024-05-01",), ("2024-05-01T10:00:00.000Z",)]
    assert depot.table("t", "id") == [(1,), (2,)]
