"""Syslog: messages of RFC 3164 and RFC 5424, one per datagram or framed in a stream (RFC 6587)."""

import re

from isang.logs.stream.record import Record
from isang.service.intake import Decoded
from isang.service.intake.values import MOST_NAME, MOST_TEXT, MOST_VALUE, microseconds

MOST_MESSAGE = 65_536
"""Maximum bytes of a message; a longer one in a stream ends the connection, since its end cannot be found."""
SEVERITIES = ("EMERG", "ALERT", "CRITICAL", "ERROR", "WARNING", "NOTICE", "INFO", "DEBUG")
FACILITIES = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "alert", "clock", *(f"local{number}" for number in range(8)),
)  # fmt: skip
_PRIORITY = re.compile(r"<(\d{1,3})>")
_NEW = re.compile(r"1 (\S+) (\S+) (\S+) (\S+) (\S+) ?(.*)", re.DOTALL)
_OLD = re.compile(
    r"(?:([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d)|(\d{4}-\d\d-\d\dT\S+)) (?:(\S+) )?(.*)", re.DOTALL
)  # fmt: skip
_TAG = re.compile(r"([^\s:\[]{1,64})(?:\[([^\]\s]{1,64})\])?: ?(.*)", re.DOTALL)
_ELEMENT = re.compile(r'\[([^\s=\]"]+)((?: [^\s=\]"]+="(?:\\.|[^"\\])*")*)\]')
_PARAMETER = re.compile(r' ([^\s=\]"]+)="((?:\\.|[^"\\])*)"')


class SyslogDatagrams:
    """Each datagram is a message."""

    def __init__(self, peer: str) -> None:
        self._peer = peer

    def feed(self, data: bytes, received_us: int) -> Decoded:
        """The record of a datagram."""
        return _decoded([data[:MOST_MESSAGE]], self._peer, received_us)


class SyslogStream:
    """Messages in a stream, each preceded by its length in bytes, or each terminated by a line end."""

    def __init__(self, peer: str) -> None:
        self._peer, self._rest = peer, b""
        self.broken: str | None = None
        """Why nothing more can be read: a message is too long, so that its end cannot be found."""

    def feed(self, data: bytes, received_us: int) -> Decoded:
        """The records completed by this data."""
        rest, messages = self._rest + data, []
        while rest:
            if rest[:1].isdigit():
                count, space, behind = rest.partition(b" ")
                if not space and len(rest) < 6 and rest.isdigit():
                    break  # the number continues in the next data
                if not space or not count.isdigit() or int(count[:7]) > MOST_MESSAGE:
                    self.broken = f"a message of more than {MOST_MESSAGE} bytes, or none: {rest[:20]!r}"
                    break
                if len(behind) < int(count):
                    break
                messages.append(behind[: int(count)])
                rest = behind[int(count) :]
            else:
                message, end, behind = rest.partition(b"\n")
                if not end:
                    break
                messages.append(message)
                rest = behind
        if len(rest) > MOST_MESSAGE + 8:
            self.broken = f"a message of more than {MOST_MESSAGE} bytes; set the sender's limit lower"
        self._rest = b"" if self.broken else rest
        return _decoded(messages, self._peer, received_us)

    def finish(self, received_us: int) -> Decoded:
        """The last message of a stream that ended without a line end."""
        rest, self._rest = self._rest, b""
        return _decoded([] if rest[:1].isdigit() else [rest], self._peer, received_us)


def _decoded(messages: list[bytes], peer: str, received_us: int) -> Decoded:
    records = [
        message_of(text, peer, received_us)
        for message in messages
        if (text := message.decode("utf-8", errors="replace").replace("\0", " ").strip("\r\n\ufeff "))
    ]
    return Decoded(records)


def message_of(text: str, peer: str, received_us: int) -> Record:
    """One message as a record. RFC 3164 times lack year and zone, so the arrival time is used instead."""
    priority = _PRIORITY.match(text)
    level = facility = None
    rest = text
    if priority and int(priority[1]) < 8 * len(FACILITIES):
        facility, level = FACILITIES[int(priority[1]) // 8], SEVERITIES[int(priority[1]) % 8]
        rest = text[priority.end() :]
    fields = {"facility": facility} if facility else {}
    if new := _NEW.match(rest):
        return _new(new, level, fields, peer, received_us)
    old = _OLD.match(rest)
    host, time_us = peer, received_us
    if old:
        time_us = microseconds(old[2]) or received_us if old[2] else received_us
        host, rest = (old[3] or peer), old[4]
    tag = _TAG.match(rest)
    program = None
    if tag:
        program, rest = tag[1], tag[3]
        fields |= {"pid": tag[2]} if tag[2] else {}
    return _made(host, program, rest, time_us, level, fields)


def _new(found: re.Match[str], level: str | None, fields: dict[str, str], peer: str, received_us: int) -> Record:
    """A message of RFC 5424."""
    time, host, program, process, message_id, rest = found.groups()
    values = {"pid": process, "msgid": message_id}
    fields = fields | {name: value[:MOST_VALUE] for name, value in values.items() if value != "-"}
    data, text = _structured(rest)
    if not text and data:  # there is nothing but the data
        text = " ".join(f"{name}={value}" for name, value in data.items())
    at = microseconds(time) or received_us
    return _made(peer if host == "-" else host, None if program == "-" else program, text, at, level, data | fields)


def _structured(rest: str) -> tuple[dict[str, str], str]:
    """The structured data before a message, and the message."""
    if rest[:1] != "[":
        return {}, rest[1:].lstrip(" ").removeprefix("\ufeff") if rest[:1] == "-" else rest
    data: dict[str, str] = {}
    place = 0
    while element := _ELEMENT.match(rest, place):
        for name, value in _PARAMETER.findall(element[2]):
            data[f"{element[1]}.{name}"[:MOST_NAME]] = re.sub(r'\\(["\\\]])', r"\1", value)[:MOST_VALUE]
        place = element.end()
    return data, rest[place:].lstrip(" ").removeprefix("\ufeff")


def _made(
    host: str, program: str | None, message: str, time_us: int, level: str | None, fields: dict[str, str]
) -> Record:
    source = f"{host}/{program}" if program else host
    fields = {"host": host[:MOST_NAME], **({"program": program[:MOST_NAME]} if program else {}), **fields}
    return Record(
        source=source[:MOST_NAME], text=message[:MOST_TEXT], time_us=time_us, level=level, message=message[:MOST_TEXT],
        fields=fields,
    )  # fmt: skip
