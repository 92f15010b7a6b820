"""Whom the gateway admits. What is asked here is refused, or passed on with a body that no service takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_lucid.inspect.http import Request
from pytest_lucid.inspect.tokens import SECRET, bearer, false_tokens, token

if TYPE_CHECKING:
    from pytest_lucid.matrix import Service
    from pytest_lucid.target.deployment import Deployment

SUBJECT = "lucid-check"
WRITE = "/api/v1/transactions"
# A client without a token may ask 100 times a minute.
PUBLIC_RATE = 100
LONGEST_WAIT = 60


@pytest.mark.lucid(
    "GW-RATE",
    demand="api.gateway",
    severity="high",
    remedy="Limit requests without a token to 100 a minute for each address.",
)
def test_rate_is_limited(lucid_service: Service, lucid_deployment: Deployment) -> None:
    """Beyond 100 requests a minute an address gets 429 with Retry-After; X-Forwarded-For is ignored."""
    answers = lucid_deployment.admissions(lucid_service, PUBLIC_RATE + 1)
    refused = [answer for answer in answers if answer.status == 429]
    assert refused, f"{len(answers)} requests at once, each with another X-Forwarded-For, were all admitted"
    for answer in refused:
        assert answer.retry_after, "429 without Retry-After"
        assert 1 <= int(answer.retry_after) <= LONGEST_WAIT


@pytest.mark.lucid(
    "GW-TOKEN",
    demand="api.gateway",
    severity="critical",
    remedy="Demand a token signed with HS256 and JWT_SECRET that has an end.",
)
def test_false_tokens_are_refused(lucid_service: Service, lucid_deployment: Deployment) -> None:
    """A write without a token, or with an unsigned, wrongly signed or expired token, is refused with 401."""
    secret = lucid_deployment.container(lucid_service.name).environment.get(SECRET, "")
    assert len(secret) >= 32, f"{SECRET} of {lucid_service.name} has {len(secret)} characters; expected 32 or more"
    offered = {name: bearer(each) for name, each in false_tokens(secret, SUBJECT).items()} | {"nothing": {}}
    answers = {
        name: lucid_deployment.ask(lucid_service, WRITE, Request("POST", given)) for name, given in offered.items()
    }
    assert {name: answer.status for name, answer in answers.items()} == dict.fromkeys(offered, 401)


@pytest.mark.lucid("GW-ROLE", demand="api.gateway", severity="critical", remedy="Let readers read only.")
def test_reader_may_not_write(lucid_service: Service, lucid_deployment: Deployment) -> None:
    """A write with a reader's token is refused with 403; a user's token is passed on."""
    secret = lucid_deployment.container(lucid_service.name).environment.get(SECRET, "")
    reader, user = (bearer(token(secret, SUBJECT, role)) for role in ("reader", "user"))
    assert lucid_deployment.ask(lucid_service, "/api/v1/service-discovery", Request(headers=reader)).status != 401
    assert lucid_deployment.ask(lucid_service, WRITE, Request("POST", reader)).status == 403
    assert lucid_deployment.ask(lucid_service, WRITE, Request("POST", user)).status not in {401, 403}
