"""The web: where an endpoint's root leads, what is sent with it, and what the page loads.

``probe`` walks the redirects (``client`` is one bounded exchange), ``facts`` is what was seen,
``judged`` says which answer counts, the ``…checks`` judge it, ``describe`` shows it. ``csp``,
``cookies``, ``hsts``, ``page`` and ``urls`` each read one language that strangers write.
"""

from services.scanner.http.checks import HTTP_CHECKS, HTTPS_CHECKS
from services.scanner.http.describe import describe
from services.scanner.http.facts import WebFacts, WebSubject
from services.scanner.http.probe import probe_web
from services.scanner.suite import Suite

HTTP_SUITE: Suite[WebSubject, WebFacts] = Suite("http", probe_web, HTTP_CHECKS)
HTTPS_SUITE: Suite[WebSubject, WebFacts] = Suite("https", probe_web, HTTPS_CHECKS)

__all__ = ["HTTPS_SUITE", "HTTP_SUITE", "WebFacts", "WebSubject", "describe"]
