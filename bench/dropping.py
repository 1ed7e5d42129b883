"""``python -m bench.dropping``: the gate's HTTP server with nothing behind it."""

import asyncio
import signal
import socket
from typing import Any

import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server

_ANSWER = b'{"status":"OK","message":"Batch Accepted!"}'


async def drop(scope: Any, receive: Any, send: Any) -> None:
    """Read a body, and answer as if it were kept."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-length", str(len(_ANSWER)).encode())]
    await send({"type": "http.response.start", "status": 201, "headers": headers})
    await send({"type": "http.response.body", "body": _ANSWER})


async def main() -> None:
    """Serve on a free port, whose number is printed."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Server(
        drop,
        address="127.0.0.1",
        port=port,
        interface=Interfaces.ASGI,
        log_enabled=False,
        websockets=False,
    )
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.stop)
    serving = asyncio.create_task(server.serve())
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except ConnectionRefusedError:
            await asyncio.sleep(0.01)
    print(port, flush=True)
    await serving


if __name__ == "__main__":
    uvloop.run(main())
