"""The HTTP client for containers of the same network; nothing outside of it is ever asked."""

from __future__ import annotations

import ssl

import httpx


def internal_client(timeout: float) -> httpx.AsyncClient:
    """Return a client whose every step (connect, write, each read) may take `timeout` seconds.

    Proxies of the environment are ignored. No connection is kept: a probe over an old connection would tell
    about the past, and the peer may have been replaced since. URLs are plain HTTP, so the TLS context trusts
    nobody, which saves reading the certificate bundle.
    """
    return httpx.AsyncClient(
        timeout=timeout,
        trust_env=False,
        verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        limits=httpx.Limits(max_keepalive_connections=0),
    )
