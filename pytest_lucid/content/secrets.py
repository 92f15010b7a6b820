"""Finds secrets in text: known shapes of keys and tokens, and values that look random beside a telling name.

What is found is named by rule and shown by its first characters only: a report must not spread what it warns of.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SHOWN = 6
_MIN_ENTROPY_BITS = 3.3
_BASE64_KEY = b"LS0tLS1CRUdJTi"


@dataclass(frozen=True, slots=True)
class Rule:
    """One shape of a secret; `needle` is in every text that has one, and quick to look for."""

    name: str
    needle: bytes
    pattern: re.Pattern[bytes]


# The shapes are those that the issuers document.
RULES = (
    Rule(
        "private key",
        b"PRIVATE KEY",
        re.compile(
            rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:\s|\\[nr])+"
            rb"(?:[A-Za-z-]+: [^\n]*\s+)*(?:[A-Za-z0-9+/=]|\s|\\[nr]){64,}"
        ),
    ),
    Rule("private key in base 64", _BASE64_KEY, re.compile(_BASE64_KEY + rb"[A-Za-z0-9+/]{80,}={0,2}")),
    Rule("AWS access key", b"AKIA", re.compile(rb"(?<![A-Za-z0-9])AKIA[A-Z2-7]{16}(?![A-Za-z0-9])")),
    Rule("AWS temporary key", b"ASIA", re.compile(rb"(?<![A-Za-z0-9])ASIA[A-Z2-7]{16}(?![A-Za-z0-9])")),
    Rule("GitHub token", b"ghp_", re.compile(rb"(?<![A-Za-z0-9])ghp_[A-Za-z0-9]{36,}")),
    Rule("GitHub token", b"ghs_", re.compile(rb"(?<![A-Za-z0-9])ghs_[A-Za-z0-9]{36,}")),
    Rule("GitHub token", b"github_pat_", re.compile(rb"github_pat_[A-Za-z0-9_]{60,}")),
    Rule("GitLab token", b"glpat-", re.compile(rb"glpat-[A-Za-z0-9_-]{20,}")),
    Rule("Slack token", b"xox", re.compile(rb"(?<![A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]+-[A-Za-z0-9-]{16,}")),
    Rule("Stripe key", b"k_live_", re.compile(rb"[rs]k_live_[A-Za-z0-9]{20,}")),
    Rule("Google key", b"AIza", re.compile(rb"(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])")),
    Rule("npm token", b"npm_", re.compile(rb"(?<![A-Za-z0-9])npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])")),
    Rule("PyPI token", b"pypi-AgE", re.compile(rb"pypi-AgE[A-Za-z0-9_-]{60,}")),
    Rule(
        "JSON web token",
        b"eyJ",
        # Not the payloads of PyJWT's documentation ({"some":"payload"}) and of jwt.io ({"sub":"1234567890",…).
        re.compile(
            rb"eyJ[A-Za-z0-9_-]{10,}\.(?!eyJzb21lIjoicGF5bG9hZCJ9\.|eyJzdWIiOiIxMjM0NTY3ODkwIiw)"
            rb"eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}"
        ),
    ),
    Rule(
        "password in a URL",
        b"://",
        re.compile(rb"://[^\s:/@\"'<>{}$%\\]+:(?P<value>[^\s/:@\"'<>{}$%\\]{6,})@[A-Za-z0-9]"),
    ),
)
# In programs too: they have no use for them but to hold them.
PROGRAM_RULES = RULES[:3]

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
    r"(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|CREDENTIALS?)$", re.IGNORECASE
)

_FILES = re.compile(
    r"\.env(?:\.(?!example$|sample$|template$|dist$)[\w.-]+)?|id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?|"
    r"[\w.-]+\.(?:key|p12|pfx|jks|keystore|kdbx|ovpn|ppk)|(?:[\w.-]*[_-])?(?:priv)?key\.pem|\.netrc|_netrc|\.npmrc|"
    r"\.pypirc|\.pgpass|\.my\.cnf|\.git-credentials|\.htpasswd|\.dockercfg|\.dockerconfigjson|\.bash_history|"
    r"\.python_history|(?:secrets?|credentials?)\.(?:ya?ml|toml|json|ini)|(?:service[_-]account[\w-]*|client_secret\w*)\.json",
    re.IGNORECASE,
)
_PATHS = re.compile(r"(?:^|/)(?:\.aws/credentials|\.docker/config\.json|\.kube/config|\.ssh/[^/]+|\.gnupg/[^/]+)$")


def is_secret_path(path: str) -> bool:
    """Whether a file of this path (with forward slashes) is there to hold secrets."""
    return bool(_FILES.fullmatch(PurePosixPath(path).name) or _PATHS.search(path))


def find_secrets(data: bytes, *, code: bool) -> tuple[str, ...]:
    """Return each secret in a text, as `rule: first characters…`; in `code` only quoted values count as values."""
    return tuple(dict.fromkeys((*_shapes(data, RULES), *_assignments(data, _QUOTED if code else _PLAIN))))


def find_program_secrets(data: bytes) -> tuple[str, ...]:
    """As `find_secrets`, for what is no text: only those shapes that cannot come about by chance."""
    return tuple(dict.fromkeys(_shapes(data, PROGRAM_RULES)))


def find_variables(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the variables that are named like a secret and have a value; names only."""
    return tuple(name for name, value in environment.items() if value and _SENSITIVE_VARIABLE.search(name))


def _shapes(data: bytes, rules: tuple[Rule, ...]) -> Iterator[str]:
    for rule in rules:
        if rule.needle not in data:
            continue
        for match in rule.pattern.finditer(data):
            value = match["value"] if "value" in rule.pattern.groupindex else match.group()
            if _is_real(rule, value):
                yield _shown(rule.name, value)


def _is_real(rule: Rule, value: bytes) -> bool:
    if rule.needle == _BASE64_KEY:
        try:
            return b"PRIVATE KEY" in base64.b64decode(value[: len(value) - len(value) % 4])
        except binascii.Error:
            return False
    if rule.needle == b"PRIVATE KEY":
        return True
    return not _PLACEHOLDER.search(value) and len(set(value)) > _SHOWN


def _assignments(data: bytes, pattern: re.Pattern[bytes]) -> Iterator[str]:
    for at in _telling_names(data.lower()):
        match = pattern.match(data, at)
        if match is None:
            continue
        value = match["value"]
        varied = re.search(rb"[0-9]", value) and re.search(rb"[A-Za-z]", value)
        if varied and not _PLACEHOLDER.search(value) and not _is_path(value) and entropy(value) >= _MIN_ENTROPY_BITS:
            yield _shown("secret value", value)


def _telling_names(lowered: bytes) -> Iterator[int]:
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


def _shown(rule: str, value: bytes) -> str:
    start = value[:_SHOWN].decode("ascii", "replace")
    return f"{rule}: {start}…"
