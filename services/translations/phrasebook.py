"""Sentences that were composed in English before anybody knew their reader.

A scan stores what its checks said. Each form of such a sentence is a message with placeholders
(``accepts %(what)s: %(suite)s``); a stored sentence is held against them, and its parts are put
into the form's translation. Parts that are phrases themselves are translated too; names, numbers
and whatever a server said stay as they are.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache

from services.translations.catalogues import Catalogue

_PLACEHOLDER = re.compile(r"%\((\w+)\)s")
_LONGEST = 600
"""Longer sentences carry a stranger's text, and are not worth the matching."""
_FIRST = 4
_DEEPEST = 3


class Phrasebook:
    def __init__(self, catalogue: Catalogue) -> None:
        self._whole: dict[str, str] = {}
        self._forms: defaultdict[str, list[tuple[re.Pattern[str], str]]] = defaultdict(list)
        for message, (translation, *_) in catalogue.items():
            if _PLACEHOLDER.search(message):
                self._forms[message.partition("%(")[0][:_FIRST]].append(
                    (_pattern(message), translation)
                )
            else:
                self._whole[message] = translation
        for forms in self._forms.values():
            # The most particular form first: the one with the most text of its own.
            forms.sort(key=lambda form: -len(form[0].pattern))
        self.translate = lru_cache(maxsize=4096)(self._translate)

    def _translate(self, sentence: str, depth: int = 0) -> str:
        if (whole := self._whole.get(sentence)) is not None:
            return whole
        if depth == _DEEPEST or len(sentence) > _LONGEST:
            return sentence
        for length in range(min(_FIRST, len(sentence)), -1, -1):
            for pattern, translation in self._forms.get(sentence[:length], ()):
                if found := pattern.fullmatch(sentence):
                    return translation % self._parts(found.groupdict(), depth)
        return sentence

    def _parts(self, parts: Mapping[str, str], depth: int) -> dict[str, str]:
        return {name: self._translate(part, depth + 1) for name, part in parts.items()}


def _pattern(message: str) -> re.Pattern[str]:
    """Each placeholder takes as little as it can. Linear enough: sentences are short."""
    pieces = _PLACEHOLDER.split(message)
    named = [f"(?P<{piece}>.+?)" if at % 2 else re.escape(piece) for at, piece in enumerate(pieces)]
    return re.compile("".join(named), re.DOTALL)
