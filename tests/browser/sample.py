"""A server with something to see on every page."""

import json
import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from seamline.catalog import api_keys, hooks, integrations, notifications
from seamline.catalog.store import Catalog
from seamline.config.paths import DataDir
from tests.browser.conftest import set_password
from tests.server import Server

SHOP = {
    "properties": {
        "id": {"type": "integer"},
        "name": {"type": "string"},
        "total": {"type": "number"},
        "at": {"type": "string", "format": "date-time"},
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"sku": {"type": "string"}, "amount": {"type": "integer"}},
            },
        },
    }
}


def filled(server: Server) -> dict[str, str]:
    """Push data of all kinds; return the pages worth seeing by name."""
    set_password(server)
    token = server.token("Web Shop")
    other = server.token("Billing")
    server.cli("integration", "create", "Support desk")
    rng = random.Random(7)
    start = datetime(2026, 11, 1, tzinfo=UTC)
    for day in range(5):
        orders = [_order(rng, day * 60 + n, start + timedelta(hours=day)) for n in range(60)]
        receipt = send(server, token, "orders", orders, day * 1000 + 1)
    send(server, token, "customers", [{"id": n, "name": f"Customer {n}"} for n in range(40)], 1)
    send(server, other, "invoices", [{"id": n, "total": n * 9.5} for n in range(25)], 1)
    server.wait_until_empty()
    send(server, token, "customers", [{"id": 1, "name": "Ada", "_sdc_note": "vip"}], 900)
    send(server, other, "invoices", [{"id": 3, "total": "unpaid"}], 900)
    server.call("POST", "/v2/import/batch", token, b'{"table_name": "customers"}')
    server.call("POST", "/v2/import/batch", "wrong", b"{}")
    server.wait_until_empty()
    _with_settings(server)
    _backdate(server)
    sql = 'SELECT day("at") AS day, count(*) AS orders, sum(total) AS total '
    sql += "FROM web_shop.orders GROUP BY ALL ORDER BY day"
    return {
        "home": "/",
        "integration": "/integrations/1",
        "table": "/integrations/1/tables/orders",
        "new-integration": "/integrations/new",
        "try": "/integrations/1/try",
        "live": "/live",
        "rejected": "/rejected",
        "rejected-record": "/rejected/1",
        "receipts": "/receipts",
        "receipt": f"/receipts/{receipt}",
        "query": f"/query?sql={quote(sql)}",
        "destinations": "/destinations",
        "destination": "/destinations/1",
        "new-destination": "/destinations/new/postgres",
        "status": "/status",
        "notifications": "/notifications",
        "settings": "/settings",
        "hooks": "/settings/hooks",
        "keys": "/settings/keys",
        "users": "/settings/users",
        "not-found": "/integrations/999",
    }


def send(
    server: Server, token: str, table: str, records: list[dict[str, Any]], sequence: int
) -> str:
    """Push a batch; return the receipt."""
    known = SHOP["properties"]
    schema = {"properties": {name: known.get(name, {}) for record in records for name in record}}
    schema["properties"]["total"] = {"type": ["number", "string"]}
    messages = [
        {"action": "upsert", "sequence": sequence + n, "data": record}
        for n, record in enumerate(records)
    ]
    body = {"table_name": table, "key_names": ["id"], "schema": schema, "messages": messages}
    status, headers, text = server.post(token, json.dumps(body).encode())
    assert status == 201, text
    return headers["seamline-receipt"]


def _order(rng: random.Random, number: int, at: datetime) -> dict[str, Any]:
    items = [{"sku": f"A-{rng.randint(1, 9)}", "amount": rng.randint(1, 5)} for _ in range(2)]
    total = round(rng.uniform(5, 200), 2)
    moment = (at + timedelta(days=number % 20)).isoformat()
    return {"id": number, "name": f"Order {number}", "total": total, "at": moment, "items": items}


def _with_settings(server: Server) -> None:
    catalog = Catalog(DataDir(server.folder).catalog)
    at = integrations.get(catalog, 1).destination_id
    hooks.create(catalog, at, "https://hooks.example.com/loaded")
    api_keys.create(catalog, "for the pipeline", "admin")
    notifications.add_email(catalog, "ops@example.com")
    text = "ERROR: permission denied for schema billing"
    notifications.put(catalog, notifications.LOADING_ERROR, "destination/9", text)
    catalog.close()


def _backdate(server: Server) -> None:
    """Spread what was loaded over two days, so that plots have something to plot."""
    time.sleep(0.5)
    catalog = Catalog(DataDir(server.folder).catalog)
    rng = random.Random(3)
    for back in range(1, 47):
        hour = (datetime.now(UTC) - timedelta(hours=back)).isoformat()[:13]
        for table, scale in (("orders", 900), ("customers", 120)):
            catalog._db.execute(
                "INSERT OR IGNORE INTO load_hour (hour, integration_id, table_name, loads, rows, "
                "records, rejected) VALUES (?, 1, ?, 9, ?, ?, ?)",
                (hour, table, rng.randint(scale // 3, scale), scale, rng.choice([0, 0, 0, 14])),
            )
    catalog.close()
