"""A service of a few lines, as strangers have it; its first argument says what it does."""

import http.server
import os
import pathlib
import signal
import socket
import sys
import threading
import urllib.request

BEAT = pathlib.Path("/tmp/beat")


class Healthz(http.server.BaseHTTPRequestHandler):
    """Answers every GET with `{"ok": true}`."""

    def do_GET(self) -> None:
        """Answer."""
        body = b'{"ok": true}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(http.server.ThreadingHTTPServer):
    """Listens on IPv6 and IPv4."""

    address_family = socket.AF_INET6


def main(what: str, *given: str) -> None:
    """Do `what`; SIGTERM ends it."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    if what == "fork":
        os.fork()
    if what == "open":
        kept = socket.create_server(("0.0.0.0", int(given[1])))
        threading.Thread(target=kept.listen, daemon=True).start()
    if what in {"serve", "fork", "open"}:
        Server(("::", int(given[0])), Healthz).serve_forever()
    elif what == "probe":
        with urllib.request.urlopen(f"http://127.0.0.1:{given[0]}/healthz", timeout=2):
            pass
    elif what == "work":
        BEAT.touch()
        while True:
            signal.pause()
    elif what == "alive":
        BEAT.stat()
    elif what == "migrate":
        pathlib.Path(given[0]).touch()
    else:
        sys.exit(f"{what}: unknown")


if __name__ == "__main__":
    main(*sys.argv[1:])
