"""What the registry says of a domain, by RDAP."""

import json
from collections.abc import Iterator
from datetime import datetime

from tests.lab.certificates import in_days
from tests.lab.dns_zones import Denial, ZoneSpec
from tests.lab.lab import GOOD_MAIL, Lab
from tests.lab.truth import Case, ids
from tests.lab.web_server import Page

_SOON, _UNKNOWN = "reg.expiry.soon", "reg.expiry.unknown"


def _answer(ends: datetime | None, *status: str) -> Page:
    events = [{"eventAction": "registration", "eventDate": "2001-02-03T04:05:06Z"}]
    if ends is not None:
        events.append({"eventAction": "expiration", "eventDate": f"{ends:%Y-%m-%dT%H:%M:%SZ}"})
    body = {"objectClassName": "domain", "events": events, "status": list(status)}
    return Page(
        headers=(("Content-Type", "application/rdap+json"),), body=json.dumps(body).encode()
    )


def cases(lab: Lab) -> Iterator[Case]:
    for name, answer, must, traps in (
        ("far", _answer(in_days(200), "active"), "", f"{_SOON} {_UNKNOWN}"),
        ("near", _answer(in_days(20)), _SOON, _UNKNOWN),
        ("tomorrow", _answer(in_days(1)), _SOON, _UNKNOWN),
        ("past", _answer(in_days(-3)), _SOON, _UNKNOWN),
        ("redemption", _answer(in_days(200), "redemption period"), _SOON, _UNKNOWN),
        ("undated", _answer(None), _UNKNOWN, _SOON),
        ("broken", Page(500), "", f"{_SOON} {_UNKNOWN}"),
        ("garbled", Page(body=b"[" * 1000), "", f"{_SOON} {_UNKNOWN}"),
    ):
        domain = f"reg-{name}.lab"
        lab.registrations[domain] = answer
        lab.zone(ZoneSpec(domain, GOOD_MAIL.format(domain=domain), denial=Denial.NSEC3))
        yield Case(f"reg-{name}", domain, ids(must), ids(traps))
