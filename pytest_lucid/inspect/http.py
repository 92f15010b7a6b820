"""One HTTP request, and what came back. Judging the answer is left to the checks."""

from __future__ import annotations

import datetime as dt
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True)
class Response:
    """What `url` answered, and when: a status and the decoded JSON body (None for no JSON), or why there is none."""

    url: str
    received: dt.datetime
    status: int | None = None
    text: str = ""
    body: Any = None
    error: str | None = None

    @property
    def document(self) -> Mapping[str, Any]:
        """The body, if it is a JSON object; otherwise an empty one."""
        return self.body if isinstance(self.body, dict) else {}

    def __str__(self) -> str:
        """Return the answer in one line, for messages."""
        return f"{self.url}: {self.error or f'{self.status} {self.text[:200]}'}"


class _Trusting(HTTPAdapter):
    """Verifies HTTPS against one authority, and nothing else."""

    def __init__(self, authority: str) -> None:
        self._context = ssl.create_default_context(cadata=authority)
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)


def fetch(url: str, authority: str | None = None) -> Response:
    """GET `url` once, directly: no proxy, no redirect. HTTPS is verified against the PEM certificate `authority`."""
    with requests.Session() as session:
        # A proxy of the user's environment must not answer for the service.
        session.trust_env = False
        if authority:
            session.mount("https://", _Trusting(authority))
        try:
            response = session.get(url, timeout=TIMEOUT_SECONDS, allow_redirects=False)
        except requests.RequestException as error:
            return Response(url, _now(), error=_reason(error))
    received = _now()
    try:
        body = response.json()
    except ValueError:
        body = None
    return Response(url, received, status=response.status_code, text=response.text, body=body)


def _reason(error: requests.RequestException) -> str:
    cause: BaseException = error
    while cause.__cause__ or cause.__context__:
        cause = cause.__cause__ or cause.__context__ or cause
    return f"no answer: {str(cause) or type(cause).__name__}"


def _now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)
