"""The table of the app's routes: method, path, who may, who answers."""

from seamline.web import (
    destination_page,
    home_page,
    integration_page,
    live_page,
    query_page,
    receipt_page,
    rejected_page,
    settings_pages,
    sign_in,
    status_page,
    table_page,
)
from seamline.web.app import Entry, entry

_ONE = "/integrations/{id}"
_TABLE = "/integrations/{id}/tables/{table:path}"


def entries() -> list[Entry]:
    """Return all routes; those with fixed words stand before those that take any."""
    return [*_people(), *_pipeline(), *_looking(), *_settings()]


def _people() -> list[Entry]:
    return [
        entry("GET", "/signin", "anyone", sign_in.ask),
        entry("POST", "/signin", "anyone", sign_in.sign_in),
        entry("POST", "/signout", "anyone", sign_in.sign_out),
        entry("GET", "/invite/{secret}", "anyone", sign_in.ask_invited),
        entry("POST", "/invite/{secret}", "anyone", sign_in.accept),
        entry("POST", "/settings/password", "viewer", sign_in.change_password),
        entry("GET", "/status", "anyone", status_page.show),
    ]


def _pipeline() -> list[Entry]:
    return [
        entry("GET", "/", "viewer", home_page.home),
        entry("GET", "/integrations/new", "editor", integration_page.ask_new),
        entry("POST", "/integrations/new", "editor", integration_page.create),
        entry("POST", "/integrations/hint", "editor", integration_page.hint),
        entry("GET", _ONE, "viewer", integration_page.show),
        entry("GET", f"{_ONE}/first", "viewer", integration_page.first),
        entry("POST", _ONE, "editor", integration_page.change),
        entry("POST", f"{_ONE}/tokens", "editor", integration_page.create_token),
        entry("POST", f"{_ONE}/tokens/{{token_id}}", "editor", integration_page.revoke_token),
        entry("GET", f"{_ONE}/try", "editor", live_page.ask),
        entry("POST", f"{_ONE}/try/verdict", "editor", live_page.verdict),
        entry("POST", f"{_ONE}/try", "editor", live_page.send),
        entry("GET", f"{_ONE}/rows/{{table:path}}", "viewer", table_page.rows),
        entry("POST", f"{_ONE}/merge/{{table:path}}", "editor", table_page.merge),
        entry("GET", _TABLE, "viewer", table_page.show),
        entry("POST", _TABLE, "editor", table_page.decide),
    ]


def _looking() -> list[Entry]:
    return [
        entry("GET", "/live", "viewer", live_page.tail),
        entry("GET", "/rejected", "viewer", rejected_page.inbox),
        entry("POST", "/rejected/replay", "editor", rejected_page.replay_group),
        entry("GET", "/rejected/{id}", "viewer", rejected_page.show),
        entry("POST", "/rejected/{id}", "editor", rejected_page.replay),
        entry("GET", "/receipts", "viewer", receipt_page.listing),
        entry("GET", "/receipts/{receipt}", "viewer", receipt_page.show),
        entry("GET", "/query", "viewer", query_page.ask),
        entry("GET", "/query/csv", "viewer", query_page.download),
    ]


def _settings() -> list[Entry]:
    return [
        entry("GET", "/destinations", "viewer", destination_page.listing),
        entry("GET", "/destinations/new/{type}", "admin", destination_page.ask_new),
        entry("POST", "/destinations/new/{type}", "admin", destination_page.create),
        entry("GET", "/destinations/{id}", "viewer", destination_page.show),
        entry("POST", "/destinations/{id}", "admin", destination_page.update),
        entry("POST", "/destinations/{id}/check", "editor", destination_page.check),
        entry("POST", "/destinations/{id}/remove", "admin", destination_page.remove),
        entry("GET", "/notifications", "viewer", settings_pages.list_notifications),
        entry("POST", "/notifications/{id}", "editor", settings_pages.dismiss),
        entry("GET", "/settings/hooks", "viewer", settings_pages.list_hooks),
        entry("POST", "/settings/hooks", "admin", settings_pages.add_hook),
        entry("POST", "/settings/hooks/{id}", "admin", settings_pages.change_hook),
        entry("POST", "/settings/emails", "admin", settings_pages.add_email),
        entry("POST", "/settings/emails/{id}", "admin", settings_pages.change_email),
        entry("GET", "/settings/keys", "admin", settings_pages.list_keys),
        entry("POST", "/settings/keys", "admin", settings_pages.add_key),
        entry("POST", "/settings/keys/{id}", "admin", settings_pages.change_key),
        entry("GET", "/settings/users", "admin", settings_pages.list_users),
        entry("POST", "/settings/users", "admin", settings_pages.invite),
        entry("POST", "/settings/users/{id}", "admin", settings_pages.change_user),
        entry("GET", "/settings", "viewer", settings_pages.show_settings),
    ]
