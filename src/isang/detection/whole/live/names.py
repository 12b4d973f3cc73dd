"""Lines as they come to kinds of lines, named as those of finished logs are."""

from isang.artifact import Model, rules_of
from isang.logs.templates.miner import TemplateIndex, canonical
from isang.logs.templates.words import severity
from isang.model.vocabulary import UNSEEN
from isang.model.wording import loudness_of

MOST_MESSAGES = 20_000
"""Number of messages after which the table of messages is cleared, to stay small."""


class KindOfLine:
    """The name and the loudness of masked messages, see `Lines.names` and `Lines.loudness`."""

    def __init__(self, model: Model) -> None:
        rules = rules_of(model)
        table = rules.templates
        self._vocabulary, self._max_words = model.vocabulary, rules.template_words
        self._templates = {event: (text, level) for event, text, level in table["event", "template", "level"].rows()}
        self._index = TemplateIndex(*(table[name].to_list() for name in ("template", "event", "level")))
        self._of_template: dict[int, tuple[str, int]] = {}
        self._of_message: dict[tuple[str, str | None], tuple[str, int]] = {}

    def of(self, message: str, level: str | None) -> tuple[str, int]:
        """(name, loudness) of a masked message without secrets: the known template, one worded like it, or itself."""
        found = self._of_message.get((message, level))
        if found is None:
            if len(self._of_message) >= MOST_MESSAGES:
                self._of_message.clear()
            found = self._of_message[message, level] = self._named(message, level)
        return found

    def _named(self, message: str, level: str | None) -> tuple[str, int]:
        text = canonical(message, self._max_words)
        event = self._index.match(text, severity(level or ""))
        if event is None:
            return self._known_as(text, level), loudness_of(text, level)
        if event not in self._of_template:
            template, own = self._templates[event]
            self._of_template[event] = self._known_as(template, own), loudness_of(template, own)
        return self._of_template[event]

    def _known_as(self, text: str, level: str | None) -> str:
        vocabulary = self._vocabulary
        token = int(vocabulary.tokens_of([text])[0])
        if token == UNSEEN and vocabulary.by_words:
            token = vocabulary.similar(text, level or "") or UNSEEN
        return text if token == UNSEEN else vocabulary.name(token)
