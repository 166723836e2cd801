"""Serves an app on a real socket, for programs with their own HTTP client."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from portal.web.process import listen


@contextmanager
def listening(app: object) -> Iterator[str]:
    """Serve an app in this process, and give its address."""
    sock = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))  # type: ignore[arg-type]  # any ASGI app
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    until = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < until, "the server has not started"
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        sock.close()
