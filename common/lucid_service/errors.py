"""Lucid's error format and the codes of the HTTP statuses; errors of one service's own API belong to that service.

The first digit of a code tells its kind: 1 validation, 2 authentication, 3 rate limit, 4 business, 5 system.
"""

from __future__ import annotations

from datetime import datetime, timezone
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from lucid_service.request_id import CURRENT, HEADER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from lucid_service.config import Config

_CODES: Mapping[int, str] = {
    HTTPStatus.BAD_REQUEST: "LUCID_ERR_1001",
    HTTPStatus.UNPROCESSABLE_ENTITY: "LUCID_ERR_1001",
    HTTPStatus.METHOD_NOT_ALLOWED: "LUCID_ERR_1002",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "LUCID_ERR_1003",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "LUCID_ERR_1004",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "LUCID_ERR_1005",
    HTTPStatus.REQUEST_TIMEOUT: "LUCID_ERR_1006",
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: "LUCID_ERR_1007",
    HTTPStatus.UNAUTHORIZED: "LUCID_ERR_2001",
    HTTPStatus.FORBIDDEN: "LUCID_ERR_2002",
    HTTPStatus.TOO_MANY_REQUESTS: "LUCID_ERR_3001",
    HTTPStatus.NOT_FOUND: "LUCID_ERR_4001",
    HTTPStatus.CONFLICT: "LUCID_ERR_4002",
    HTTPStatus.INTERNAL_SERVER_ERROR: "LUCID_ERR_5001",
    HTTPStatus.BAD_GATEWAY: "LUCID_ERR_5002",
    HTTPStatus.SERVICE_UNAVAILABLE: "LUCID_ERR_5003",
    HTTPStatus.GATEWAY_TIMEOUT: "LUCID_ERR_5004",
}
_OTHER_CLIENT_ERROR = "LUCID_ERR_1000"
_OTHER_SERVER_ERROR = "LUCID_ERR_5000"


class ApiError(HTTPException):
    """Ends a request with `status` and Lucid's error format; `details` must be JSON."""

    def __init__(
        self,
        status: int,
        message: str,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status_code=status, detail=message, headers=dict(headers or {}))
        self.details = dict(details or {})


def error_code(status: int) -> str:
    """Return the LUCID_ERR_dddd code of an HTTP status from 400 to 599."""
    other = _OTHER_CLIENT_ERROR if status < HTTPStatus.INTERNAL_SERVER_ERROR else _OTHER_SERVER_ERROR
    return _CODES.get(status, other)


def now() -> str:
    """Return the time in UTC as ISO 8601 with milliseconds, as every Lucid body gives it."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


async def on_http_error(request: Request, error: Exception) -> JSONResponse:
    """Answer an HTTPException: the router's own 404 and 405, and every ApiError."""
    if not isinstance(error, HTTPException):
        raise TypeError(f"registered for HTTPException, got {type(error).__name__}")
    details = error.details if isinstance(error, ApiError) else {}
    if not isinstance(error, ApiError):
        details = {"method": request.method, "path": request.url.path}
    return _response(request, error.status_code, error.detail, details, error.headers)


async def on_unexpected_error(request: Request, _error: Exception) -> JSONResponse:
    """Answer 500 without saying what went wrong inside: the traceback is in the log under the same request id."""
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return _response(request, status, "The service failed to handle the request.", {}, None)


async def on_client_gone(_request: Request, _error: Exception) -> Response:
    """End a request whose client closed the connection while it was read: nobody is there to read an answer."""
    return Response(status_code=HTTPStatus.BAD_REQUEST)


def error_body(
    config: Config, status: int, message: str, details: Mapping[str, Any], request_id: str
) -> dict[str, dict[str, Any]]:
    """Return the body that every error of a service has, whoever answers it."""
    return {
        "error": {
            "code": error_code(status),
            "message": message,
            "details": details,
            "request_id": request_id,
            "timestamp": now(),
            "service": config.service,
            "version": config.version,
        }
    }


def _response(
    request: Request, status: int, message: str, details: Mapping[str, Any], headers: Mapping[str, str] | None
) -> JSONResponse:
    config: Config = request.app.state.config
    body = error_body(config, status, message, details, CURRENT.get())
    # Set here as well: the answer to an unexpected error does not pass through the middleware any more.
    return JSONResponse(body, status_code=status, headers={**(headers or {}), HEADER: CURRENT.get()})
