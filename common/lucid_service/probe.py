"""The program of Docker's HEALTHCHECK: exit code 0 if the service in this container answers for itself, else 1.

It runs every 30 s on a small computer, so it imports nothing but the standard library, and little of that.
"""

from __future__ import annotations

import http.client
import json
import os
import sys

TIMEOUT = 5.0
"""Seconds; Docker gives up after 10, and then nobody learns the reason."""
_LARGEST_BODY = 65536


def complaint(port: int, service: str) -> str:
    """Return why `service` does not answer for itself at 127.0.0.1:`port`, or nothing at all."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        connection.request("GET", "/health")
        response = connection.getresponse()
        body = response.read(_LARGEST_BODY)
    except (OSError, http.client.HTTPException) as error:
        return f"no answer: {error!r}"
    finally:
        connection.close()
    if response.status != http.client.OK:
        return f"status {response.status}, expected 200"
    return _complaint_about_body(body, service)


def _complaint_about_body(body: bytes, expected: str) -> str:
    try:
        answer = json.loads(body)
    except ValueError:
        return "the body is not JSON"
    service = answer.get("service") if isinstance(answer, dict) else None
    return "" if service == expected else f"service {service!r} answers, expected {expected!r}"


def main() -> int:
    """Print the complaint, which `docker inspect` shows, and return the exit code."""
    reason = complaint(int(os.environ["PORT"]), os.environ["SERVICE_NAME"])
    if reason:
        sys.stdout.write(reason + "\n")
    return int(bool(reason))


if __name__ == "__main__":
    sys.exit(main())
