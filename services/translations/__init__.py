"""What the platform says to people, in each of its languages.

A message is an English sentence with named placeholders; its translations stand in
``<domain>.<locale>.po`` (gettext). The catalogues are read from those sources when a language is
first used, so nothing has to be compiled and nothing can be stale. Numbers, dates and lists follow
the CLDR.

A message that is looked up through a variable stands in the code as ``N_("…")``: that marks it for
the test that finds what has no translation.
"""

from services.translations.translator import DEFAULT_LOCALE, LOCALES, N_, Translator, translator

__all__ = ["DEFAULT_LOCALE", "LOCALES", "N_", "Translator", "translator"]
