"""``seamline token``: the secrets clients push with."""

from dataclasses import asdict

from cyclopts import App

from seamline.catalog import accounts, integrations, tokens
from seamline.cli.options import DEFAULT_OPTIONS, Options
from seamline.cli.printing import console, moment, print_json, print_table

app = App(name="token", help="Create, list and revoke access tokens (two active per integration).")


@app.command
def create(integration: str, /, *, options: Options = DEFAULT_OPTIONS) -> None:
    """Create a token; its secret is shown this once and cannot be recovered."""
    with options.catalog() as catalog:
        found = integrations.find(catalog, integration)
        token, secret = tokens.create(catalog, found.id)
        path = f"/v1/clients/{accounts.client_id(catalog)}/token/{secret}"
    webhook = {"path": path} if found.type == "webhook" else {}
    if options.json:
        print_json({"id": token.id, "access_token": secret, **webhook})
        return
    kind = "URL" if webhook else "Token"
    shown = webhook.get("path", secret)
    console().print(f"{kind} {token.id}, shown this once:\n\n{shown}\n", soft_wrap=True)


@app.command(name="list")
def listing(integration: str, /, *, options: Options = DEFAULT_OPTIONS) -> None:
    """List the active tokens of an integration, without their secrets."""
    with options.catalog() as catalog:
        found = tokens.listing(catalog, integrations.find(catalog, integration).id)
    if options.json:
        print_json([asdict(token) for token in found])
        return
    print_table(
        ["id", "ends in", "created"],
        [(t.id, t.last_four, moment(t.created_at)) for t in found],
        empty=f'No active tokens. Make one: seamline token create "{integration}"',
    )


@app.command
def revoke(integration: str, token_id: int, /, *, options: Options = DEFAULT_OPTIONS) -> None:
    """Make a token useless at once."""
    with options.catalog() as catalog:
        tokens.revoke(catalog, integrations.find(catalog, integration).id, token_id)
    if options.json:
        print_json({"id": token_id, "revoked": True})
    else:
        console().print(f"Token {token_id} is revoked.")
