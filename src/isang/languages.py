"""A sentence for users in English and Korean."""

import locale
import os
from typing import Literal, NamedTuple


class Both(NamedTuple):
    """The same in English and Korean, with the same numbers and quotations."""

    en: str
    ko: str

    def said(self, language: str) -> str:
        """The sentence in `en` or `ko`."""
        return self.ko if language == "ko" else self.en

    @classmethod
    def same(cls, text: str) -> "Both":
        """Text that is the same in both languages, such as a name in a log."""
        return cls(text, text)


def default_language() -> Literal["en", "ko"]:
    """Korean where the user's locale is Korean, else English."""
    named = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), None)
    return "ko" if (named or locale.getlocale()[0] or "").lower().startswith("ko") else "en"
