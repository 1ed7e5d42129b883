"""Every path of the Connect API, and who answers it."""

from starlette.routing import Route

from seamline.config.settings import Settings
from seamline.connect import destinations, notifications, sources, streams
from seamline.connect.door import Door
from seamline.gate.gate import Gate

NOTIFICATIONS = "/notifications/public/v1/api"


class Connect:
    """The Connect API as routes beside the Import API."""

    def __init__(self, settings: Settings) -> None:
        self._door = Door(settings)

    def routes(self, gate: Gate) -> list[Route]:
        """Return the routes to serve."""
        del gate
        made = self._door.route
        one = "/v4/sources/{id}"
        return [
            made("/v4/source-types", {"GET": sources.list_types}),
            made("/v4/source-types/{type}", {"GET": sources.show_type}),
            made("/v4/sources", {"GET": sources.list_sources, "POST": sources.create_source}),
            made(one, {
                "GET": sources.show_source, "PUT": sources.update_source,
                "DELETE": sources.delete_source,
            }),
            made(f"{one}/tokens", {"GET": sources.list_tokens, "POST": sources.create_token}),
            made(f"{one}/tokens/{{token_id}}", {"DELETE": sources.revoke_token}),
            made(f"{one}/streams", {"GET": streams.list_streams}),
            made(f"{one}/streams/metadata", {"PUT": streams.update_metadata}),
            made(f"{one}/streams/{{stream_id}}", {"GET": streams.show_stream}),
            made(f"{one}/sync", {"POST": streams.sync}),
            made("/v4/destination-types", {"GET": destinations.list_types}),
            made("/v4/destination-types/{type}", {"GET": destinations.show_type}),
            made("/v4/destinations", {
                "GET": destinations.list_destinations, "POST": destinations.create_destination,
            }),
            made("/v4/destinations/{id}", {
                "PUT": destinations.update_destination, "DELETE": destinations.delete_destination,
            }),
            made("/v4/destinations/{id}/last-connection-check", {"GET": destinations.last_check}),
            made("/v4/{client_id}/loads", {"GET": streams.list_loads}),
            made("/v4/{client_id}/extractions", {"GET": streams.list_extractions}),
            made(f"{NOTIFICATIONS}/custom-emails", {
                "GET": notifications.list_emails, "POST": notifications.create_email,
            }),
            made(f"{NOTIFICATIONS}/custom-emails/{{id}}", {
                "PUT": notifications.update_email, "DELETE": notifications.delete_email,
            }),
            made(f"{NOTIFICATIONS}/hooks", {
                "GET": notifications.list_hooks, "POST": notifications.create_hook,
            }),
            made(f"{NOTIFICATIONS}/hooks/{{id}}", {
                "PUT": notifications.update_hook, "DELETE": notifications.delete_hook,
            }),
        ]  # fmt: skip
