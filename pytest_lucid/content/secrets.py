"""Finds secrets in text: known shapes of keys and tokens, and values that look random beside a telling name.

What is found is named by its rule and its length, and never shown: a report must not spread what it warns of.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections import Counter
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pytest_lucid.content.secret_shapes import BASE64_KEY, PROGRAM_RULES, RULES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_lucid.content.secret_shapes import Rule

_MIN_ENTROPY_BITS = 3.3
# What has fewer different characters is a placeholder.
_FEWEST_CHARACTERS = 7

# Names that tell of a secret: how they begin, and for a mere `_key` what must stand before it.
_TELLING = (b"passw", b"passphrase", b"secret", b"token", b"credential", b"_key", b"apikey", b"api-key")
_KEYS = (b"api", b"private", b"access", b"signing", b"encryption", b"auth", b"jwt", b"hmac", b"wallet", b"master")
_END = rb"[a-z0-9_]{0,24}"
_VALUE = rb"(?P<value>[A-Za-z0-9+/=_.~!@#$%^&*-]{12,200})"
# Where the language has quotes, what stands without them is an expression, no value.
_QUOTED = re.compile(
    _END + rb"[\"']?\]?\s{0,4}(?::\s{0,2}str\s{0,2})?[:=]\s{0,4}b?(?P<quote>[\"'])" + _VALUE + rb"(?P=quote)",
    re.IGNORECASE,
)
_PLAIN = re.compile(
    _END + rb"[\"']?\s{0,4}[:=]\s{0,4}(?P<quote>[\"']?)" + _VALUE + rb"(?P=quote)(?=[\s,;]|$)", re.IGNORECASE
)
_PLACEHOLDER = re.compile(
    rb"example|changeme|change[_-]me|placeholder|dummy|sample|your[_-]|xxxx|\*\*\*|test|insert|redacted|todo|none|null|"
    rb"\$\{|password|passwd|secret|token|0123456789|1234567|abcdef|localhost",
    re.IGNORECASE,
)
_SENSITIVE_VARIABLE = re.compile(
    r"(?!.*(?:PUBLIC|PUBLISHABLE))(?:.*(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIALS?|MNEMONIC|SEED_?PHRASE|"
    r"(?:API|PRIVATE|SECRET|ACCESS|SIGNING|ENCRYPTION|ACCOUNT|MASTER)_?KEY)|(?:.*[_.-])?PASS|.*[_.-]PWD)",
    re.IGNORECASE,
)
# Twelve to 24 words beside the name of a wallet's seed; the words of documents repeat.
MNEMONIC = re.compile(
    rb"(?:mnemonic|(?:seed|recovery|backup)[_-]?phrase)[\"']?\s{0,4}[:=]\s{0,4}[\"']?"
    rb"(?P<value>(?:[a-z]{3,8}[ ,]+){11}[a-z]{3,8}(?:(?:[ ,]+[a-z]{3,8}){3}){0,4})(?![\w ])",
    re.IGNORECASE,
)
_FEWEST_WORDS = 9

_FILES = re.compile(
    r"\.env(?:\.(?!(?:[\w-]+\.)*(?:example|sample|template|dist|tmpl|tpl|j2|defaults?)$)[\w.-]+)?|"
    r"id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?|ssh_host_\w+_key|[\w.-]+\.(?:key|p12|pfx|jks|keystore|kdbx|ovpn|ppk)|"
    r"(?:[\w.-]*[_-])?(?:priv(?:ate)?[_-]?)?key\d*\.pem|\.netrc|_netrc|\.npmrc|"
    r"\.pypirc|\.pgpass|\.my\.cnf|\.git-credentials|\.htpasswd|\.dockercfg|\.dockerconfigjson|\.bash_history|"
    r"\.python_history|(?:secrets?|credentials?)\.(?:ya?ml|toml|json|ini)|(?:service[_-]account[\w-]*|client_secret\w*)\.json",
    re.IGNORECASE,
)
# Templates, and files that are encrypted.
_NO_VALUES = re.compile(rb"\{\{|\{%|<%=|ENC\[AES256|^sops:|\$ANSIBLE_VAULT", re.MULTILINE)
_NO_KEY = re.compile(rb"PK\x03\x04|-----BEGIN (?:CERTIFICATE|[A-Z ]*PUBLIC KEY)")
_DOCKER_LOGIN = re.compile(rb"\"(?:auth|identitytoken)\"\s*:\s*(\"[^\"]+\")")
_NPM_TOKEN = re.compile(rb"_(?:authToken|password|auth)\s*=\s*(\S+)")
_PATHS = re.compile(
    r"(?:^|/)(?:\.aws/credentials|\.docker/config\.json|\.kube/config|\.ssh/(?!known_hosts|config$|authorized_keys|[^/]*\.pub$)[^/]+|\.gnupg/[^/]+)$"
)


# The images of one tree share most of their paths.
@lru_cache(1 << 16)
def is_secret_path(path: str) -> bool:
    """Whether a file of this path (with forward slashes) is there to hold secrets."""
    return bool(_FILES.fullmatch(path.rpartition("/")[2]) or _PATHS.search(path))


def is_secret_file(path: str, head: bytes | None) -> bool:
    """Whether a file holds secrets, by its path and by how it begins (None where it cannot be read).

    What cannot hold one is none: a public key, a template, settings without a token, an encrypted file.
    """
    if not is_secret_path(path) or head is None:
        return head is None and is_secret_path(path)
    name = PurePosixPath(path).name.lower()
    values = _values(name, head)
    if values is not None:
        return any(value.strip(b"\"'") and not _is_expansion(value) for value in values)
    other = name.endswith((".key", ".pem", ".ppk")) and _NO_KEY.match(head)
    return bool(head) and not other and not _NO_VALUES.search(head)


def _values(name: str, head: bytes) -> list[bytes] | None:
    """The values in a file of settings that would be secrets; None for another kind of file."""
    if name == ".npmrc":
        return _NPM_TOKEN.findall(head)
    if name == "config.json":
        return _DOCKER_LOGIN.findall(head)
    if name.startswith(".env"):
        return [line.partition(b"=")[2].strip() for line in head.splitlines() if not line.startswith(b"#")]
    return None


def _is_expansion(value: bytes) -> bool:
    return value.strip(b"\"' ").startswith((b"$", b"{{", b"<", b"%"))


def find_secrets(data: bytes, *, code: bool) -> tuple[str, ...]:
    """Return each secret in a text, as `rule: length`; in `code` only quoted values count as values."""
    found = (*_shapes(data, RULES), *_assignments(data, _QUOTED if code else _PLAIN), *_mnemonics(data))
    return tuple(dict.fromkeys(found))


def find_program_secrets(data: bytes) -> tuple[str, ...]:
    """As `find_secrets`, for what is no text: only those shapes that cannot come about by chance."""
    return tuple(dict.fromkeys(_shapes(data, PROGRAM_RULES)))


def find_variables(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the variables that are named like a secret and have a value; names only."""
    return tuple(name for name, value in environment.items() if value and _SENSITIVE_VARIABLE.fullmatch(name))


def _shapes(data: bytes, rules: tuple[Rule, ...]) -> Iterator[str]:
    for rule in rules:
        if rule.needle not in data:
            continue
        for match in rule.pattern.finditer(data):
            value = match["value"] if "value" in rule.pattern.groupindex else match.group()
            if _is_real(rule, value):
                yield _shown(rule.name, value)


def _is_real(rule: Rule, value: bytes) -> bool:
    if rule.needle == BASE64_KEY:
        try:
            return b"PRIVATE KEY" in base64.b64decode(value[: len(value) - len(value) % 4])
        except binascii.Error:
            return False
    if rule.needle == b"PRIVATE KEY":
        return True
    return not _PLACEHOLDER.search(value) and len(set(value)) >= _FEWEST_CHARACTERS


def _assignments(data: bytes, pattern: re.Pattern[bytes]) -> Iterator[str]:
    for at in telling_names(data.lower()):
        match = pattern.match(data, at)
        if match is None:
            continue
        value = match["value"]
        varied = re.search(rb"[0-9]", value) and re.search(rb"[A-Za-z]", value)
        if varied and not _PLACEHOLDER.search(value) and not _is_path(value) and entropy(value) >= _MIN_ENTROPY_BITS:
            yield _shown("secret value", value)


def telling_names(lowered: bytes) -> Iterator[int]:
    """Where, in a text in lower case, a word begins that tells of a secret."""
    for word in _TELLING:
        at = lowered.find(word)
        while at >= 0:
            if word != b"_key" or lowered.endswith(_KEYS, max(0, at - 12), at):
                yield at
            at = lowered.find(word, at + 1)


def _is_path(value: bytes) -> bool:
    """Whether it is a file, a module or a host: dots and slashes between words."""
    return re.fullmatch(rb"[/.~]?[A-Za-z][A-Za-z_-]*\d{0,2}(?:[./:-][A-Za-z0-9_-]{0,20}){1,}", value) is not None


def entropy(value: bytes) -> float:
    """Shannon entropy of a value in bits per byte: English text has some 4 when long, random hex 4, base 64 up to 6."""
    total = len(value)
    return -sum(n / total * math.log2(n / total) for n in Counter(value).values())


def _mnemonics(data: bytes) -> Iterator[str]:
    for match in MNEMONIC.finditer(data):
        words = re.split(rb"[ ,]+", match["value"].lower())
        if len(set(words)) >= _FEWEST_WORDS:
            yield f"words of a wallet: {len(words)}"


def _shown(rule: str, value: bytes) -> str:
    return f"{rule}: {len(value)} characters"
