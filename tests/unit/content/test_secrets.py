from __future__ import annotations

import base64
import os
import sysconfig
from pathlib import Path

import pytest

from pytest_lucid.content.secrets import (
    find_program_secrets,
    find_secrets,
    find_variables,
    is_secret_file,
    is_secret_path,
)

BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n" * 2
KEY = f"-----BEGIN PRIVATE KEY-----\n{BODY}-----END PRIVATE KEY-----"
RANDOM = "Zk3Vq8Lm2Xw7Rt5Yb9Nc4Hd6Jf1Gs0Pa3Ue8"


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        KEY.replace("\n", "\\n"),
        KEY.replace("PRIVATE", "OPENSSH PRIVATE"),
        KEY.replace("KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,AB\n\n", 1),
        base64.b64encode(KEY.encode()).decode(),
        "AKIA" + "Q3EGRZ5XW7KJ2MPT",
        f"ghp_{RANDOM}",
        f"ghs_{RANDOM}",
        *(f"gh{kind}_{RANDOM}" for kind in "our"),
        "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",
        f"sk-ant-api03-{RANDOM * 3}",
        f"sk-proj-{RANDOM}T3BlbkFJ{RANDOM}",
        "dop_v1_" + "b7e23ec29af22b0b4e41da31e868d57226121c84f0e1c5c3b2a4b5d9e8f70112",
        f"dckr_pat_{RANDOM[:27]}",
        f"SG.{RANDOM[:22]}.{RANDOM}{RANDOM[:7]}",
        f"hvs.{RANDOM}",
        "AccountKey=" + (RANDOM * 3)[:86] + "==",
        f"{RANDOM[:3]}8Q~{RANDOM[:31]}",
        f"48291736:AA{RANDOM[:33]}",
        "AGE-SECRET-KEY-1" + (RANDOM.upper() * 2)[:58],
        "xprv" + RANDOM.replace("0", "1").replace("l", "m") * 2 + RANDOM[:35].replace("0", "1"),
        "MNEMONIC=" + "ridge apple kiwi zebra stone cloud fancy mirror juice wagon tiger ocean",
        f"glpat-{RANDOM[:20]}",
        f"xoxb-492817364055-{RANDOM}",
        f"sk_live_{RANDOM}",
        f"AIza{RANDOM[:35]}",
        f"npm_{RANDOM}",
        f"eyJ{RANDOM}.eyJ{RANDOM}.{RANDOM}",
        f"postgres://lucid:{RANDOM[:12]}@db/lucid",
        f'PASSWORD = "{RANDOM[:16]}"',
        f"JWT_SECRET_KEY: str = '{RANDOM}'",
        f'config["api_key"] = "{RANDOM}"',
        "signing_key = 'b7e23ec29af22b0b4e41da31e868d57226121c84f0e1c5c3b2a4b5d9e8f70112'",
    ],
)
def test_catches_in_code(text: str) -> None:
    (found,) = find_secrets(text.encode(), code=True)
    # Not even a part of it is shown.
    assert RANDOM[:4].lower() not in found.lower()
    assert not any(part in found for part in (text[index : index + 7] for index in range(len(text) - 6)))


@pytest.mark.parametrize("text", [f"password={RANDOM[:16]}", f"API_KEY: {RANDOM}", f"secret = {RANDOM}\n"])
def test_catches_in_configuration_without_quotes(text: str) -> None:
    assert find_secrets(text.encode(), code=False)


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN PRIVATE KEY-----",
        'MARK = b"-----BEGIN RSA PRIVATE KEY-----"\nEND = b"-----END RSA PRIVATE KEY-----"',
        KEY.replace("PRIVATE", "PUBLIC"),
        "-----BEGIN CERTIFICATE-----\n" + BODY + "-----END CERTIFICATE-----",
        "AKIAIOSFODNN7EXAMPLE",
        f"eyJ{RANDOM}.eyJzb21lIjoicGF5bG9hZCJ9.{RANDOM}",
        f"eyJ{RANDOM}.eyJzdWIiOiIxMjM0NTY3ODkwIiwi{RANDOM}.{RANDOM}",
        "ghp_short",
        "eyJhbGciOiJIUzI1NiJ9",
        "https://user:password@example.org/",
        "https://user:${PASSWORD}@example.org/",
        "https://example.org/project/a:b/@scope",
        'password = "correct horse battery staple"',
        'password = "changeme1234567"',
        "password = get_password(environment, 'DB_PASSWORD1')",
        'token = "tokenize.NAME_3"',
        'secret = "/run/secrets/jwt_2"',
        'secret_key = os.environ["SECRET_KEY_2026"]',
        'TOKEN_URL = "https://auth.example.org/oauth2/token"',
        'cache_key = "a8f5f167f44f4964e6c998dee827110c"',
        "sha256:b07bd99b4f2e06885ea55a94faa87b6d3a95e610fc44066813e67507bca0284f",
        "MNEMONIC=test test test test test test test test test test test junk",
        "seed_phrase: see the other document for how it is made and where it is kept by us",
        "hf_transfer_enabled_by_default_for_this_one",
        "TLS_KEY_FILE=/run/lucid/tls/key.pem",
        'author = "tokyo2020-olympics"',
        "monkey = 'Zk3Vq8Lm2Xw7Rt5Yb9Nc4Hd6'",
    ],
)
def test_catches_not(text: str) -> None:
    assert find_secrets(text.encode(), code=True) == ()
    if "os.environ" not in text and "get_password" not in text:
        assert find_secrets(text.encode(), code=False) == ()


def test_the_standard_library_holds_no_secret() -> None:
    found = []
    for folder, names, files in os.walk(sysconfig.get_path("stdlib")):
        names[:] = [
            name for name in names if name not in ("site-packages", "test", "tests", "idle_test", "__pycache__")
        ]
        for path in (Path(folder) / name for name in files if name.endswith(".py")):
            found += [(path, secret) for secret in find_secrets(path.read_bytes(), code=True)]
    assert not found


@pytest.mark.parametrize(
    "data", [KEY.encode(), b"\0\0" + f"ghp_{RANDOM}".encode() + b"\0", b"\1AKIA" + b"Q3EGRZ5XW7KJ2MPT\0"]
)
def test_programs_are_searched_for_what_cannot_be_chance(data: bytes) -> None:
    found = find_program_secrets(data)
    assert bool(found) is not data.startswith(b"\0")


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        "app/.env.production",
        "root/.ssh/id_rsa",
        "id_ed25519",
        "app/server.key",
        "a/privkey.pem",
        "a/tls-key.pem",
        "store.p12",
        "root/.netrc",
        "root/.docker/config.json",
        "home/x/.aws/credentials",
        "secrets.yaml",
        "client_secret.json",
    ],
)
def test_catches_files(path: str) -> None:
    assert is_secret_path(path)


@pytest.mark.parametrize(
    "path",
    [
        "app/.env.example",
        "environment.py",
        "usr/lib/python3.11/secrets.py",
        "etc/ssl/certs/ca.pem",
        "keys.py",
        "key.py",
        "tokenize.py",
        "app/id_rsa.pub",
        "app/config.json",
        "credentials.py",
        "usr/share/keymap",
        "cacert.pem",
        "monkey.pem",
    ],
)
def test_catches_not_files(path: str) -> None:
    assert not is_secret_path(path)


def test_variables_are_judged_by_name_when_they_have_a_value() -> None:
    environment = {
        "JWT_SECRET": "x",
        "DB_PASSWORD": "",
        "TLS_KEY_FILE": "/x",
        "API_KEY": "1",
        "SECRETARY": "x",
        "TOKENS": "1",
    }
    assert find_variables(environment) == ("JWT_SECRET", "API_KEY")


@pytest.mark.parametrize(
    ("path", "head"),
    [
        ("a/.npmrc", b"engine-strict=true\n//r.example.com/:_authToken=${NPM_TOKEN}\n"),
        ("a/.env", b"# nothing yet\nPASSWORD=\nTOKEN=${TOKEN}\nOTHER={{ other }}\n"),
        ("a/templates/secret.yaml", b"data:\n  password: {{ .Values.password }}\n"),
        ("a/secrets.yaml", b"password: ENC[AES256_GCM,data:x]\nsops:\n"),
        ("a/secrets.yml", b"$ANSIBLE_VAULT;1.1;AES256\n"),
        ("a/public.key", b"-----BEGIN PUBLIC KEY-----\n"),
        ("a/slides.key", b"PK\x03\x04"),
        ("home/x/.docker/config.json", b'{"credsStore": "pass"}'),
        ("a/server.key", b""),
        ("a/readme.md", b"PASSWORD=x"),
    ],
)
def test_what_files_of_secrets_hold_decides(path: str, head: bytes) -> None:
    assert not is_secret_file(path, head)


@pytest.mark.parametrize(
    ("path", "head"),
    [
        ("a/.npmrc", b"//r.example.com/:_authToken=a1b2c3\n"),
        ("a/.env", b"PASSWORD='x'\n"),
        ("a/server.key", None),
        ("a/server.key", KEY.encode()),
        ("home/x/.docker/config.json", b'{"auths": {"r": {"auth": "eDp5"}}}'),
    ],
)
def test_files_of_secrets(path: str, head: bytes | None) -> None:
    assert is_secret_file(path, head)
