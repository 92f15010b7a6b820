"""JSON lines on standard output for every logger of the process, the web server's included."""

from __future__ import annotations

import logging
import sys

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from lucid_service.request_id import CURRENT

# The HTTP client reports every single request at INFO, and health probes would fill the log with them.
_CHATTY = ("httpx2", "httpcore2")


def configure_logging(service: str, level: str) -> None:
    """Send every record of `level` and above to standard output, one JSON object a line; replaces earlier handlers."""
    formatter = JsonFormatter(
        "{timestamp}{levelname}{name}{message}",
        style="{",
        rename_fields={"levelname": "level", "name": "logger"},
        static_fields={"service": service},
        reserved_attrs=[*RESERVED_ATTRS, "color_message"],
        timestamp=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    handler.addFilter(_add_request_id)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def _add_request_id(record: logging.LogRecord) -> bool:
    if request_id := CURRENT.get():
        record.request_id = request_id
    return True
