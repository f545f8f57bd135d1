"""Asking a web endpoint for more than its root, politely.

``Site`` is the endpoint as its root showed it; an ``Asker`` puts questions to it within the
target's allowance and stops when nobody answers. The rooms ``exposure``, ``leaks``, ``revisit``
and ``disclosure`` ask through it, in a full scan only.
"""

from services.scanner.site.asking import Asker, Reply, random_name
from services.scanner.site.subject import Site

__all__ = ["Asker", "Reply", "Site", "random_name"]
