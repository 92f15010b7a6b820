"""The shapes of keys and tokens that issuers document; where they are looked for is for `secrets`."""

from __future__ import annotations

import re
from dataclasses import dataclass

BASE64_KEY = b"LS0tLS1CRUdJTi"


@dataclass(frozen=True, slots=True)
class Rule:
    """One shape of a secret; `needle` is in every text that has one, and quick to look for."""

    name: str
    needle: bytes
    pattern: re.Pattern[bytes]


def _token(name: str, needle: str, rest: str) -> Rule:
    """A token that begins with the needle and stands alone."""
    pattern = rb"(?<![A-Za-z0-9])" + re.escape(needle.encode()) + rest.encode() + rb"(?![A-Za-z0-9])"
    return Rule(name, needle.encode(), re.compile(pattern))


# In programs too: they have no use for them but to hold them.
PROGRAM_RULES = (
    Rule(
        "private key",
        b"PRIVATE KEY",
        re.compile(
            rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:\s|\\[nr])+"
            rb"(?:[A-Za-z-]+: [^\n]*\s+)*(?:[A-Za-z0-9+/=]|\s|\\[nr]){64,}"
        ),
    ),
    Rule("private key in base 64", BASE64_KEY, re.compile(BASE64_KEY + rb"[A-Za-z0-9+/]{80,}={0,2}")),
    _token("AWS access key", "AKIA", "[A-Z2-7]{16}"),
)
RULES = (
    *PROGRAM_RULES,
    _token("AWS temporary key", "ASIA", "[A-Z2-7]{16}"),
    *(_token("GitHub token", f"gh{kind}_", "[A-Za-z0-9]{36,}") for kind in "pousr"),
    Rule("GitHub token", b"github_pat_", re.compile(rb"github_pat_[A-Za-z0-9_]{60,}")),
    Rule("GitLab token", b"glpat-", re.compile(rb"glpat-[A-Za-z0-9_-]{20,}")),
    Rule("Slack token", b"xox", re.compile(rb"(?<![A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9]+-[A-Za-z0-9-]{16,}")),
    Rule("Slack token", b"xapp-", re.compile(rb"xapp-\d-[A-Z0-9]+-\d+-[a-f0-9]{32,}")),
    Rule("Stripe key", b"k_live_", re.compile(rb"[rs]k_live_[A-Za-z0-9]{20,}")),
    Rule("Google key", b"AIza", re.compile(rb"(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])")),
    _token("npm token", "npm_", "[A-Za-z0-9]{36}"),
    Rule("PyPI token", b"pypi-AgE", re.compile(rb"pypi-AgE[A-Za-z0-9_-]{60,}")),
    _token("Hugging Face token", "hf_", "[A-Za-z]{34}"),
    Rule("Anthropic key", b"sk-ant-", re.compile(rb"sk-ant-[a-z]+\d\d-[A-Za-z0-9_-]{80,}")),
    Rule("OpenAI key", b"T3BlbkFJ", re.compile(rb"sk-[A-Za-z0-9_-]{20,}T3BlbkFJ[A-Za-z0-9_-]{20,}")),
    *(_token("DigitalOcean token", f"do{kind}_v1_", "[a-f0-9]{64}") for kind in "opr"),
    Rule("Docker token", b"dckr_", re.compile(rb"dckr_[po]at_[A-Za-z0-9_-]{27,}")),
    Rule("SendGrid key", b"SG.", re.compile(rb"(?<![A-Za-z0-9.])SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}")),
    *(_token("Vault token", f"hv{kind}.", "[A-Za-z0-9_-]{24,}") for kind in "sbr"),
    Rule("Azure storage key", b"AccountKey=", re.compile(rb"AccountKey=(?P<value>[A-Za-z0-9+/]{86}==)")),
    Rule("Azure client secret", b"Q~", re.compile(rb"(?<![\w~.-])[\w~.]{3}\dQ~[\w~.-]{31,34}(?![\w~.-])")),
    Rule("Telegram token", b":AA", re.compile(rb"(?<![\w:])\d{8,10}:AA[A-Za-z0-9_-]{33}(?![\w-])")),
    Rule("age key", b"AGE-SECRET-KEY-1", re.compile(rb"AGE-SECRET-KEY-1(?P<value>[0-9A-Z]{58})")),
    Rule("wallet key", b"xprv", re.compile(rb"(?<![A-Za-z0-9])xprv[1-9A-HJ-NP-Za-km-z]{107}(?![A-Za-z0-9])")),
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
