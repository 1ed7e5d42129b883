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
from seamline.web.app import Entry

_ONE = "/integrations/{id}"
_TABLE = "/integrations/{id}/tables/{table:path}"


def entries() -> list[Entry]:
    """Return all routes; those with fixed words stand before those that take any."""
    return [*_people(), *_pipeline(), *_looking(), *_settings()]


def _people() -> list[Entry]:
    return [
        Entry("GET", "/signin", "anyone", sign_in.ask),
        Entry("POST", "/signin", "anyone", sign_in.sign_in),
        Entry("POST", "/signout", "anyone", sign_in.sign_out),
        Entry("GET", "/invite/{secret}", "anyone", sign_in.ask_invited),
        Entry("POST", "/invite/{secret}", "anyone", sign_in.accept),
        Entry("POST", "/settings/password", "viewer", sign_in.change_password),
        Entry("GET", "/status", "anyone", status_page.show),
    ]


def _pipeline() -> list[Entry]:
    return [
        Entry("GET", "/", "viewer", home_page.home),
        Entry("GET", "/integrations/new", "editor", integration_page.ask_new),
        Entry("POST", "/integrations/new", "editor", integration_page.create),
        Entry("POST", "/integrations/hint", "editor", integration_page.hint),
        Entry("GET", _ONE, "viewer", integration_page.show),
        Entry("GET", f"{_ONE}/first", "viewer", integration_page.first),
        Entry("POST", _ONE, "editor", integration_page.change),
        Entry("POST", f"{_ONE}/tokens", "editor", integration_page.create_token),
        Entry("POST", f"{_ONE}/tokens/{{token_id}}", "editor", integration_page.revoke_token),
        Entry("GET", f"{_ONE}/try", "editor", live_page.ask),
        Entry("POST", f"{_ONE}/try/verdict", "editor", live_page.verdict),
        Entry("POST", f"{_ONE}/try", "editor", live_page.send),
        Entry("GET", f"{_ONE}/rows/{{table:path}}", "viewer", table_page.rows),
        Entry("POST", f"{_ONE}/merge/{{table:path}}", "editor", table_page.merge),
        Entry("GET", _TABLE, "viewer", table_page.show),
        Entry("POST", _TABLE, "editor", table_page.decide),
    ]


def _looking() -> list[Entry]:
    return [
        Entry("GET", "/live", "viewer", live_page.tail),
        Entry("GET", "/rejected", "viewer", rejected_page.inbox),
        Entry("POST", "/rejected/replay", "editor", rejected_page.replay_group),
        Entry("GET", "/rejected/{id}", "viewer", rejected_page.show),
        Entry("POST", "/rejected/{id}", "editor", rejected_page.replay),
        Entry("GET", "/receipts", "viewer", receipt_page.listing),
        Entry("GET", "/receipts/{receipt}", "viewer", receipt_page.show),
        Entry("GET", "/query", "viewer", query_page.ask),
        Entry("GET", "/query/csv", "viewer", query_page.download),
    ]


def _settings() -> list[Entry]:
    return [
        Entry("GET", "/destinations", "viewer", destination_page.listing),
        Entry("GET", "/destinations/new/{type}", "admin", destination_page.ask_new),
        Entry("POST", "/destinations/new/{type}", "admin", destination_page.create),
        Entry("GET", "/destinations/{id}", "viewer", destination_page.show),
        Entry("POST", "/destinations/{id}", "admin", destination_page.update),
        Entry("POST", "/destinations/{id}/check", "editor", destination_page.check),
        Entry("POST", "/destinations/{id}/remove", "admin", destination_page.remove),
        Entry("GET", "/notifications", "viewer", settings_pages.list_notifications),
        Entry("POST", "/notifications/{id}", "editor", settings_pages.dismiss),
        Entry("GET", "/settings/hooks", "viewer", settings_pages.list_hooks),
        Entry("POST", "/settings/hooks", "admin", settings_pages.add_hook),
        Entry("POST", "/settings/hooks/{id}", "admin", settings_pages.change_hook),
        Entry("POST", "/settings/emails", "admin", settings_pages.add_email),
        Entry("POST", "/settings/emails/{id}", "admin", settings_pages.change_email),
        Entry("GET", "/settings/keys", "admin", settings_pages.list_keys),
        Entry("POST", "/settings/keys", "admin", settings_pages.add_key),
        Entry("POST", "/settings/keys/{id}", "admin", settings_pages.change_key),
        Entry("GET", "/settings/users", "admin", settings_pages.list_users),
        Entry("POST", "/settings/users", "admin", settings_pages.invite),
        Entry("POST", "/settings/users/{id}", "admin", settings_pages.change_user),
        Entry("GET", "/settings", "viewer", settings_pages.show_settings),
    ]
