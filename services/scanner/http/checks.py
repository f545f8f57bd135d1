"""Which checks are asked at a plain endpoint, and which at one with TLS."""

from services.scanner.check import Check
from services.scanner.http import (
    content_checks,
    cookie_checks,
    csp_checks,
    edge_checks,
    header_checks,
    hsts_checks,
    redirect_checks,
)
from services.scanner.http.facts import WebFacts

_PAGE_CHECKS: tuple[Check[WebFacts], ...] = (
    *csp_checks.CHECKS,
    *header_checks.CHECKS,
    *cookie_checks.CHECKS,
    *content_checks.CHECKS,
    *edge_checks.CHECKS,
)
"""Asked wherever content is served: a plain endpoint that redirects to https has none."""

HTTP_CHECKS: tuple[Check[WebFacts], ...] = (*redirect_checks.HTTP_CHECKS, *_PAGE_CHECKS)
HTTPS_CHECKS: tuple[Check[WebFacts], ...] = (
    *redirect_checks.HTTPS_CHECKS,
    *hsts_checks.CHECKS,
    *_PAGE_CHECKS,
    *cookie_checks.TLS_CHECKS,
    *content_checks.TLS_CHECKS,
)
