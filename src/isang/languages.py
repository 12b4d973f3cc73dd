"""A sentence for people in the two languages that isang speaks."""

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
        """What is no word of a language, such as a name in a log."""
        return cls(text, text)
