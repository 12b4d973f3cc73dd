"""A sentence for users in English and Korean."""

from typing import NamedTuple


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
