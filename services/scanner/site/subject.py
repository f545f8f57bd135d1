"""The endpoint that is asked for more, as its root showed it. Pure."""

from dataclasses import dataclass, replace

from services.scanner.address import Address
from services.scanner.check import Verdict
from services.scanner.http.facts import Answer, WebFacts
from services.scanner.http.judged import leads_to_https, own_content
from services.scanner.http.urls import WebUrl


@dataclass(frozen=True, slots=True)
class Site:
    """One web endpoint whose root was looked at."""

    facts: WebFacts

    @property
    def content(self) -> Answer | Verdict:
        """What the root leads to, or why this endpoint has no content of its own."""
        return own_content(self.facts)

    @property
    def _stands_for_it(self) -> Answer:
        """The answer whose host holds the files: the page's, or else the first one."""
        content = self.content
        return self.facts.answers[0] if isinstance(content, Verdict) else content

    @property
    def page_url(self) -> WebUrl:
        """Where the page is; the root where there is none."""
        return self._stands_for_it.url

    @property
    def address(self) -> Address:
        """The vetted address that ``page_url`` came from."""
        return self._stands_for_it.address

    @property
    def onward(self) -> WebUrl | None:
        """Where a plain endpoint hands over to TLS; None when it does not."""
        return leads_to_https(self.facts)

    def url(self, target: str) -> WebUrl:
        """A path of the same server. ``target`` is what stands in the request line."""
        return replace(self.page_url, target=target)
