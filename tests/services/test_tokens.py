"""Which tokens are believed; all of them are made up here."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from lucid_service.config import ConfigError, Environment
from lucid_service.errors import ApiError
from lucid_service.tokens import Identity, Tokens, demand, secret_of

SECRET = "made-up-" * 10
RSA_ONLY = ("RS256", "ES256", "PS256", "EdDSA")


def claims(**changes: Any) -> dict[str, Any]:
    whole = {"sub": "session-1", "role": "user", "exp": int(time.time()) + 3600, **changes}
    return {name: value for name, value in whole.items() if value is not None}


def sign(secret: str = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    return jwt.encode(claims(**changes), secret, algorithm=algorithm)


def encoded(part: str | bytes) -> str:
    return base64.urlsafe_b64encode(part.encode() if isinstance(part, str) else part).rstrip(b"=").decode()


def signature_of(secret: str, header: dict[str, Any]) -> str:
    """Sign as somebody does who wants another file to be the secret: an empty one."""
    signed = forged(header).rpartition(".")[0]
    return encoded(hmac.digest(secret.encode(), signed.encode(), "sha256"))


def forged(header: dict[str, Any], signature: str = "") -> str:
    parts = [encoded(json.dumps(part)) for part in (header, claims())]
    return ".".join((*parts, signature))


def identify(token: str, secret: str = SECRET) -> Identity | None:
    return Tokens(secret).identify(f"Bearer {token}")


@pytest.mark.parametrize("role", ["reader", "user", "admin"])
def test_valid_token_is_believed(role: str) -> None:
    assert identify(sign(role=role)) == Identity("session-1", role)  # type: ignore[arg-type]


def test_a_key_that_the_token_names_plays_no_part() -> None:
    token = jwt.encode(claims(), SECRET, "HS256", headers={"kid": "../../etc/passwd", "jku": "http://127.0.0.1/"})
    assert identify(token) == Identity("session-1", "user")


def test_no_token_is_nobody() -> None:
    assert Tokens(SECRET).identify("") is None


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        "x" * 5000,
        sign("another-" * 10),
        sign(algorithm="HS384"),
        sign(algorithm="HS512"),
        sign(exp=int(time.time()) - 60),
        sign(exp=None),
        sign(exp="tomorrow"),
        sign(nbf=int(time.time()) + 3600),
        sign(sub=None),
        sign(sub=""),
        sign(sub="x" * 200),
        sign(role=None),
        sign(role="root"),
        sign(role=["admin"]),
        sign()[:-4] + "AAAA",
        sign(iat=int(time.time()) + 3600),
        sign(aud="another service"),
        sign(sub=7),
        sign(exp=float("inf")),
        jwt.encode(claims(), SECRET, "HS256", headers={"crit": ["exp"]}),
        jwt.encode(claims(), SECRET, "HS256", headers={"crit": ["made-up"], "made-up": True}),
        jwt.encode(claims(), SECRET, "HS256", headers={"b64": False, "crit": ["b64"]}),
        forged({"alg": "HS256", "kid": "../../../../dev/null"}, signature_of("", {"alg": "HS256", "kid": "/dev/null"})),
        forged({"alg": "HS256", "jwk": {"kty": "oct", "k": "AAAA"}}, "AAAA"),
        forged({"alg": ["HS256"]}, "AAAA"),
        forged({"alg": "HS256", "typ": 1}, "AAAA"),
        encoded("[" * 2000) + ".e30.AAAA",
        encoded('{"a":' * 500) + ".e30.AAAA",
        encoded("NaN") + ".e30.AAAA",
        encoded('{"alg": "HS256"}') + "." + encoded("[" * 1500) + ".AAAA",
        encoded("\ud800".encode("utf-8", "surrogatepass")) + ".e30.AAAA",
        "\u0661.\u0662.\u0663",
        "é.é.é",
        forged({"alg": "none", "typ": "JWT"}),
        forged({"alg": "None", "typ": "JWT"}),
        forged({"alg": "nOnE", "typ": "JWT"}, "AAAA"),
        *(forged({"alg": algorithm, "typ": "JWT"}, "AAAA") for algorithm in RSA_ONLY),
    ],
)
def test_any_other_is_401(token: str) -> None:
    with pytest.raises(ApiError) as caught:
        identify(token)
    assert (caught.value.status_code, (caught.value.headers or {})["WWW-Authenticate"]) == (401, "Bearer")
    assert SECRET not in str(caught.value.detail)


@pytest.mark.parametrize("header", ["Basic dXNlcjpwYXNz", "Bearer", "Bearer ", sign(), "Token " + sign()])
def test_any_other_scheme_is_401(header: str) -> None:
    with pytest.raises(ApiError, match="bearer"):
        Tokens(SECRET).identify(header)


def test_without_a_secret_no_token_is_believed() -> None:
    with pytest.raises(ApiError, match="JWT_SECRET is not set"):
        identify(forged({"alg": "HS256"}, "AAAA"), "")


def test_roles() -> None:
    demand(Identity("a", "admin"), "user", "admin")
    with pytest.raises(ApiError) as caught:
        demand(Identity("a", "reader"), "user", "admin")
    assert caught.value.status_code == 403
    with pytest.raises(ApiError) as caught:
        demand(None, "user")
    assert caught.value.status_code == 401


def test_short_secret_is_refused_without_showing_it() -> None:
    source = Environment({"JWT_SECRET": "short-secret"})
    secret_of(source)
    with pytest.raises(ConfigError, match="at least 32 characters, found 12") as caught:
        source.check()
    assert "short-secret" not in str(caught.value)


def test_secret_may_be_missing() -> None:
    source = Environment({})
    assert secret_of(source) == ""
    source.check()
