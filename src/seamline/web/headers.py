"""The headers that shut a page in: nothing from elsewhere, nothing inline, in nobody's frame."""

PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",  # an address may be a secret
    "X-Content-Type-Options": "nosniff",
}
