"""The public page: is the Import API up, is loading current, what went wrong lately?"""

from datetime import datetime, timedelta
from typing import Any

from seamline.catalog import notifications, stats
from seamline.core.clock import now
from seamline.web.visit import Outcome, Page, Visit

_DAYS = 90


def show(visit: Visit) -> Outcome:
    """Show it, to anyone: no names of tables or integrations are told."""
    trouble = visit.gate.intake.trouble
    incidents = notifications.incidents(visit.catalog, _DAYS)
    open_ones = [one for one in incidents if one["resolved_at"] is None]
    loading = [one for one in open_ones if one["kind"] != notifications.IMPORT_API.name]
    freshness = stats.freshness(visit.catalog)
    data: dict[str, Any] = {
        "import_api": {"status": "ERROR" if trouble else "OK", "reason": trouble},
        "loading": {"status": "DELAYED" if loading else "OK", "p50": freshness.p50},
        "days": _by_day(incidents),
        "incidents": [
            {
                "what": _WORDS.get(one["kind"], one["kind"]),
                "opened_at": one["opened_at"],
                "resolved_at": one["resolved_at"],
            }
            for one in incidents[:20]
        ],
    }
    return Page("status.html", data)


_WORDS = {
    "import-api": "The Import API did not answer as it should",
    "loading-error": "A destination could not be used",
    "jammed-read-head": "A table could not be loaded",
}


def _by_day(incidents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return for each of the last days how many troubles were open on it, oldest first."""
    today = now().date()
    days = {(today - timedelta(days=back)).isoformat(): 0 for back in range(_DAYS - 1, -1, -1)}
    for one in incidents:
        begin = datetime.fromisoformat(one["opened_at"]).date()
        end = datetime.fromisoformat(one["resolved_at"]).date() if one["resolved_at"] else today
        while begin <= end:
            if begin.isoformat() in days:
                days[begin.isoformat()] += 1
            begin += timedelta(days=1)
    return [{"day": day, "incidents": number} for day, number in days.items()]
