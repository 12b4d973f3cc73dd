"""Records from Kafka topics; needs the extra `isang[kafka]`.

One consumer group; offsets are committed once the records are on disk, so after a kill a record may be delivered again,
and none is lost.
"""

import asyncio
import json
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from isang.errors import UsageError
from isang.logs.stream.record import Record
from isang.progress import say
from isang.service.intake import Decoded
from isang.service.intake.acceptance import Acceptance
from isang.service.intake.values import MOST_NAME, MOST_TEXT
from isang.service.storage.journal import JournalFull

BATCH, WAIT_SECONDS, RETRY_SECONDS = 5_000, 0.2, 0.5


class KafkaListener:
    """Topics whose messages are log lines, as text or JSON; the source is a message's `source`, else its topic.

    Raises UsageError if confluent-kafka is missing.
    """

    name = "kafka"

    def __init__(self, brokers: str, topics: Sequence[str], group: str, acceptance: Acceptance) -> None:
        if find_spec("confluent_kafka") is None:
            raise UsageError("--kafka needs confluent-kafka: pip install 'isang[kafka]'")
        self._settings = {
            "bootstrap.servers": brokers, "group.id": group, "enable.auto.commit": False,
            "auto.offset.reset": "earliest", "session.timeout.ms": 10_000, "error_cb": _said, "log_level": 3,
        }  # fmt: skip
        self._topics, self._acceptance = list(topics), acceptance
        self.described = f"Kafka: {', '.join(topics)} of {brokers}, as group {group}"
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    async def start(self) -> None:
        """Consume in a thread."""
        loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._consume, args=(loop,), name="kafka", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Store what was consumed, and leave the group."""
        self._stop.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    def close(self) -> None:
        """See Listener."""

    def _consume(self, loop: asyncio.AbstractEventLoop) -> None:
        from confluent_kafka import Consumer, KafkaException

        consumer = Consumer(self._settings)
        try:
            consumer.subscribe(self._topics)
            while not self._stop.is_set():
                messages = [message for message in consumer.consume(BATCH, WAIT_SECONDS) if message.error() is None]
                if messages and self._kept(decoded(messages), loop):
                    try:
                        consumer.commit(asynchronous=False)
                    except KafkaException as error:  # the same records will be delivered again
                        say(f"warning: Kafka takes no offsets: {error.args[0].str()}")
        finally:
            consumer.close()

    def _kept(self, taken: Decoded, loop: asyncio.AbstractEventLoop) -> bool:
        """Wait until there is room and write the records; False if the service stops before."""
        table = self._acceptance.table(taken.records)
        while True:
            try:
                asyncio.run_coroutine_threadsafe(self._acceptance.keep_in_parts(self.name, taken, table), loop).result()
                return True
            except (JournalFull, OSError):
                if self._stop.wait(RETRY_SECONDS):
                    return False


def decoded(messages: Sequence[Any]) -> Decoded:
    """The records of Kafka messages, one line each, in order."""
    records, empty = [], 0
    for message in messages:
        text = (message.value() or b"").decode("utf-8", errors="replace").replace("\0", " ").strip("\r\n")
        if not text.strip():
            empty += 1
            continue
        source = None
        if text.startswith("{"):
            try:
                value = json.loads(text)
                source = value.get("source") if isinstance(value, dict) else None
            except (ValueError, RecursionError):
                pass
        source = source if isinstance(source, str) and source.strip() else message.topic()
        records += [Record(source[:MOST_NAME], line[:MOST_TEXT]) for line in text.splitlines() if line.strip()]
    return Decoded(records, {"empty": empty} if empty else {})


def _said(error: Any) -> None:
    say(f"warning: Kafka: {error.str()}")
