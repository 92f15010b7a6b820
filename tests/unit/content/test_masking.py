from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_lucid.content.inert import inert, is_active, one_line
from pytest_lucid.content.masking import MASK, clean, mask

TOKEN = "ghp_" + "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zAbCdEf"
HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
WORDS = "able bird cave dune echo fern gate hill iris jade kite lamp"
KEY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("password=hunter2", "hunter2"),
        ("password: hunter2", "hunter2"),
        ('{"password": "hun ter, 2"}', "hun ter, 2"),
        (r'{"message": "{\"password\": \"hunter2\"}"}', "hunter2"),
        ("{'JWT_SECRET': 'abc'}", "abc"),
        ("('JWT_SECRET', 'abcdef')", "abcdef"),
        ("DB_PASSWORD=s3cr3t LOG_LEVEL=INFO", "s3cr3t"),
        ("postgres://lucid:pa55@db:5432/lucid", "pa55"),
        ("postgres://lucid:p/a@5@db:5432/lucid", "p/a@5"),
        ("redis://:pa55@cache", "pa55"),
        (f"pulled with {TOKEN}", TOKEN),
        (f"\x1b[31m{TOKEN}\x1b[0m", TOKEN),
        ("password=\x1b[31mhunter2\x1b[0m", "hunter2"),
        ("pass\x1b[1mword=hunter2", "hunter2"),
        ("pass\u200bword=hunter2", "hunter2"),
        ("Authorization: Bearer abcdef123456", "abcdef123456"),
        ("token: Bearer abcdef123456", "abcdef123456"),
        ("mysql --password hunter2 -h db", "hunter2"),
        ("mysql --password=hunter2 -h db", "hunter2"),
        (f"-----BEGIN PRIVATE KEY-----\n{KEY}\n{KEY}\n-----END PRIVATE KEY-----", KEY),
        (f"-----BEGIN RSA PRIVATE KEY-----\n{KEY}", KEY),
        (f"{KEY}\n{KEY}\n-----END PRIVATE KEY-----", KEY),
        (f"api_key = '{HEX}'", HEX),
        (f"mnemonic: {WORDS}", WORDS),
        ("b'password': b'hunter2'", "hunter2"),
        ("AKIAIOSFODNN7ABCDEFG", "AKIAIOSFODNN7ABCDEFG"),
    ],
)
def test_a_secret_is_hidden(text: str, secret: str) -> None:
    assert secret in "".join(each for each in text if not is_active(each))
    assert MASK in mask(text)
    assert secret not in mask(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "the token has expired",
        "no password was given",
        "JWT_SECRET=${JWT_SECRET}",
        "secrets: JWT_SECRET",
        "token=None",
        "http://consul:8500/v1/status/leader",
        "http://172.20.0.3:8080/health answered 200",
        "blockchain/Dockerfile.data:12: GitHub token: 40 characters",
        "found 'exited', expected 'running'",
        "lucid-data-chain@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "ssh://pi@pi.local:22",
        "tokenizer.py:12: parsed",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert mask(text) == text


def test_only_the_value_is_hidden() -> None:
    assert mask("user=lucid password=hunter2, retries=3") == f"user=lucid password={MASK}, retries=3"
    assert mask("at postgres://lucid:pa55@db:5432/lucid now") == f"at postgres://lucid:{MASK}@db:5432/lucid now"


def test_known_values_are_hidden_wherever_they_stand() -> None:
    assert mask("started with correct horse", ["correct horse"]) == f"started with {MASK}"
    assert mask("8080", ["8080"]) == "8080"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b]0;title\x07", r"\x1b[2J\x1b]0;title\x07"),
        ("a\rb", r"a\rb"),
        ("a\r\nb\tc", "a\nb\tc"),
        ("\u202eevil", r"\u202eevil"),
        ("\x9b31m", r"\x9b31m"),
        ("\ud800", r"\ud800"),
        ("\u2028", r"\u2028"),
        ("\U000e0041", r"\U000e0041"),
        ("café – 日本語 ✓", "café – 日本語 ✓"),
    ],
)
def test_active_characters_are_shown(text: str, shown: str) -> None:
    assert inert(text) == shown


def test_one_line_has_no_end() -> None:
    assert one_line("a\n b\x00\nc") == r"a b\x00 c"


@given(st.text())
def test_nothing_active_is_left(text: str) -> None:
    assert not [each for each in clean(text) if is_active(each)]
    assert inert(inert(text)) == inert(text)


@given(
    st.from_regex(r"[a-z]{3}[0-9]{3}[A-Z]{3}", fullmatch=True),
    st.integers(0, 9),
    st.sampled_from(["\x1b[1m", "\x00", "\u202e"]),
)
def test_no_sequence_saves_a_secret(word: str, at: int, sequence: str) -> None:
    shown = clean(f"password={word[:at]}{sequence}{word[at:]} end")
    assert shown.replace(inert(sequence), "") == f"password={MASK} end"
