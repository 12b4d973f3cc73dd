"""The decoders and outputs of the service: a new one is one file and one entry here."""

from isang.service.intake import HttpDecoder, Listener
from isang.service.intake.acceptance import Acceptance
from isang.service.intake.elasticsearch import Bulk
from isang.service.intake.ingest import Ingest
from isang.service.intake.kafka import KafkaListener
from isang.service.intake.listener import SyslogListener
from isang.service.intake.loki import Loki
from isang.service.intake.otlp import Otlp
from isang.service.intake.otlp_grpc import OtlpGrpcListener
from isang.service.outputs import Sender
from isang.service.outputs.alertmanager import Alertmanager
from isang.service.outputs.webhook import Webhook
from isang.service.settings import ServiceSettings


def http_decoders() -> tuple[HttpDecoder, ...]:
    """One for each protocol over HTTP."""
    return Ingest(), Otlp(), Loki(), Bulk()


def listeners(settings: ServiceSettings, acceptance: Acceptance) -> tuple[Listener, ...]:
    """One for each non-HTTP address or queue in the settings. Raises UsageError if one is not available."""
    found: list[Listener] = []
    if settings.syslog is not None:
        found.append(SyslogListener(*settings.syslog, acceptance, settings.syslog_from))
    if settings.otlp_grpc is not None:
        found.append(OtlpGrpcListener(*settings.otlp_grpc, acceptance))
    if settings.kafka is not None:
        found.append(KafkaListener(settings.kafka, settings.kafka_topics, settings.kafka_group, acceptance))
    return tuple(found)


def senders(settings: ServiceSettings) -> tuple[Sender, ...]:
    """One for each HTTP output in the settings."""
    found: list[Sender] = []
    if settings.alertmanager:
        found.append(Alertmanager(settings.alertmanager))
    if settings.webhook:
        found.append(Webhook(settings.webhook, settings.webhook_secret))
    return tuple(found)
