"""The HSTS preload list that browsers ship: the one that is installed, or the operator's."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import hstspreload

from services.scanner.http.facts import PreloadFacts

_MONTHLY = re.compile(r"(\d{4})\.(\d{1,2})\.(\d{1,2})")


def find_preload(file: Path | None, host: str) -> PreloadFacts:
    """Whether browsers know ``host`` (an A-label name) before its first visit. Reads files.

    ``file`` is Chromium's ``transport_security_state_static.json``; None means the installed list.
    """
    if file is None:
        return PreloadFacts(hstspreload.in_hsts_preload(host), _installed_on())
    entries, changed_on = load_preload_list(file)
    labels = host.split(".")
    parents = (".".join(labels[index:]) for index in range(1, len(labels)))
    return PreloadFacts(host in entries or any(entries.get(p) for p in parents), changed_on)


@lru_cache(maxsize=1)
def _installed_on() -> date:
    """The package's version is the day its list was taken."""
    matched = _MONTHLY.match(version("hstspreload"))
    return date(*map(int, matched.groups())) if matched else date.min


@lru_cache(maxsize=1)
def load_preload_list(file: Path) -> tuple[Mapping[str, bool], date]:
    """Each preloaded name with whether its subdomains are, and the day the file was changed.

    Read line by line, for the file has one entry a line and 150,000 of them. Raises OSError, and
    ValueError when there is no entry in it.
    """
    with file.open(encoding="utf-8") as lines:
        entries = dict(filter(None, map(_entry, lines)))
    if not entries:
        raise ValueError('no entry such as {"name": "example.org", "mode": "force-https"}')
    return entries, datetime.fromtimestamp(file.stat().st_mtime, UTC).date()


def _entry(line: str) -> tuple[str, bool] | None:
    text = line.strip().removesuffix(",")
    if not text.startswith("{") or '"force-https"' not in text:
        return None
    try:
        entry: dict[str, Any] = json.loads(text)  # Any: a JSON object
    except ValueError:
        return None
    name = entry.get("name")
    if not isinstance(name, str) or entry.get("mode") != "force-https":
        return None
    return name.lower(), entry.get("include_subdomains") is True
