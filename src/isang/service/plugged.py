"""Which decoders and outputs the service has: adding one is one file and one entry here."""

from isang.service.intake import HttpDecoder
from isang.service.intake.ingest import Ingest
from isang.service.outputs import Sender
from isang.service.settings import ServiceSettings


def http_decoders() -> tuple[HttpDecoder, ...]:
    """One for each protocol over HTTP."""
    return (Ingest(),)


def senders(settings: ServiceSettings) -> tuple[Sender, ...]:
    """One for each output over HTTP that the settings name."""
    return ()
