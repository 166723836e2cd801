"""A server that answers as Ollama does: the counts are in the last part of an answer."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COUNTS = {
    "total_duration": 4_883_583_458,
    "load_duration": 1_334_875,
    "prompt_eval_count": 26,
    "prompt_eval_duration": 342_546_000,
    "eval_count": 282,
    "eval_duration": 4_535_599_000,
}


class _Ollama(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        base = {"model": asked["model"], "created_at": datetime.now(UTC).isoformat()}
        spoken = {"message": {"role": "assistant", "content": "a secret answer"}, "done": False}
        end = {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop", **COUNTS}
        parts = (
            [base | spoken, base | end]
            if asked.get("stream", True)
            else [base | spoken | end | {"message": spoken["message"]}]
        )
        body = "".join(json.dumps(part) + "\n" for part in parts).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson" if len(parts) > 1 else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def ollama_server() -> Iterator[str]:
    """Start the server; give its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Ollama)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
