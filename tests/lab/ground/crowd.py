"""Many names at one address: they share its budget of connections, and each is judged in time."""

from collections.abc import Iterator

from tests.lab.acceptor import in_tls
from tests.lab.ground.web import GOOD_HEADERS, SECURITY_TXT, page
from tests.lab.lab import Lab
from tests.lab.pages import answering
from tests.lab.truth import Case, ids
from tests.lab.web_server import redirect

_NAMES = 40
_TRAPS = ids("http.hsts.missing tls.protocol.none tls.protocol.no_tls13 sectxt.missing")


def cases(lab: Lab) -> Iterator[Case]:
    address = lab.address()
    pages = {"/": page(), "/.well-known/security.txt": SECURITY_TXT}
    headers = tuple((k, v) for k, v in GOOD_HEADERS.items() if k != "Content-Security-Policy")
    talk = answering(lambda r: pages.get(r.path), headers)
    lab.listen(address, 443, in_tls(lab.context(lab.identity("*.crowd.lab")), talk))
    lab.listen(address, 80, answering(lambda r: redirect(f"https://{r.headers['host']}/")))
    for number in range(_NAMES):
        lab.host("crowd.lab", f"n{number} A {address}")
        must = ids("http.csp.missing http.frame.missing")
        yield Case(f"crowd-{number}", f"n{number}.crowd.lab", must, _TRAPS)
