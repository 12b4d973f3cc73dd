"""Line layouts, recognised from a sample of the lines."""

import re
from dataclasses import dataclass, replace
from functools import cache

import polars as pl

from isang.errors import InputError, UsageError
from isang.logs.parsing import timestamps
from isang.logs.parsing.inferred.levels import ANY_LEVEL, LEVEL, LEVELS
from isang.logs.parsing.regex import ascii_only, check_expression
from isang.plugins import plugins

_ISO, _SYSLOG = timestamps.ISO.pattern, timestamps.SYSLOG.pattern
_TIME = f"(?P<time>{_ISO})"
_LEVEL = rf"(?P<level>{LEVEL})"
_TAG = r"(?P<component>[^\s\[:(]+\([^)]*\)|[^\[:]+?)(?:\[\d+\])?"
_MESSAGE = MESSAGE_TO_THE_END = r"(?P<message>.*)$"
PLAIN_PATTERN = r"^(?P<message>\S.*)$"
CELL = r'(?:"(?:[^"]|"")*(?:"|$)|[^,"]*)'
"""A value of a line of comma-separated values; a quoted one may go on in the next line."""
_DOTNET_LEVEL = "(?:trce|dbug|info|warn|fail|crit)"
_KEY = r"[A-Za-z_@][\w.@/-]*"
_PAIR = rf'{_KEY}=(?:"(?:[^"\\]|\\.)*"|[^\s"]\S*)?'
_CONTEXT = rf"(?:{_KEY}=\S*|\[[^\]]*\])"
"""What an application adds to each line, such as `request_id=7` or `[request 7]`."""


@dataclass(frozen=True)
class Layout:
    """The shape of a line: a regular expression whose groups are among time, level, component, message, alert."""

    name: str
    pattern: str
    kind: str = "text"
    """`text`, or `access` (the message consists of the request and the status), `block` (a record of several lines,
    each with its own field), `csv` (values may be quoted), `headed` (the previous line must be a heading), `json`,
    `logfmt`, `rest` (text that goes on with no record)."""
    heading: str = ""
    """For `headed`: the pattern of the previous line, with its own groups; for `block`: that of each line of a record,
    of
    which the first has the time."""
    vague: bool = False
    """Single lines of anything may have this little shape."""
    aliases: tuple[tuple[str, str], ...] = ()
    """Of `json`: (path with dots, name of a field of structured/fields.py) of fields that have other names."""
    shape: tuple[tuple[str, bool], ...] = ()
    """For `json` without a message: (key, whether its value is one of few words); they form the event."""
    inside: "Layout | None" = None
    """The layout of the message."""

    def fits(self, lines: pl.Series) -> pl.Series:
        """Which lines, of successive ones, it parses; a heading counts with the line below."""
        if not self.heading:
            return lines.str.contains(self.pattern)
        if self.kind == "block":
            return lines.str.contains(self.heading)
        headings = lines.str.contains(self.heading) & lines.shift(-1).str.contains(self.pattern).fill_null(True)
        return headings | headings.shift(1, fill_value=False)


_LAYOUTS = (
    Layout("json", r'^\s*\{\s*"', kind="json"),
    Layout("auditd", r"^(?:node=\S+ )?(?P<message>type=\S+ msg=audit\((?P<time>\d{10}\.\d{3}):\d+\):.*)$"),
    Layout("logfmt", rf'^\s*(?:<\d+>)?(?:{_PAIR}(?:\s+|$)){{2,}}(?:{_KEY}="[^"]*)?$', kind="logfmt"),
    Layout(
        "spring-boot",
        rf"^{_TIME}\s+{_LEVEL}\s+(?:\[[^\]]*\]\s+)?\d*\s*---\s+(?:\[[^\]]*\]\s*)*(?P<component>\S+)\s*:\s{_MESSAGE}",
    ),
    Layout("openstack", rf"^(?:\S+\s)?{_TIME} \d+ {_LEVEL} (?P<component>\S+) \[[^\]]*\] {_MESSAGE}"),
    Layout("zookeeper", rf"^{_TIME} (?:\[\w+:[^\]]*\] )?- {_LEVEL}\s+\[(?P<component>.*?)\] - {_MESSAGE}"),
    Layout("python", rf"^{_TIME}\s+-\s+(?P<component>\S+)\s+-\s+{_LEVEL}\s+-\s+{_MESSAGE}"),
    Layout("loguru", rf"^{_TIME}\s+\|\s+{_LEVEL}\s+\|\s+(?P<component>\S+)\s+-\s+{_MESSAGE}"),
    Layout(
        "mysql",
        rf"^(?P<time>{_ISO}|{timestamps.PADDED_HOUR.pattern})\s+\d+\s+\[(?P<level>System|Note|Warning|ERROR)\]\s+(?:\[MY-\d+\]\s+)?"
        rf"(?:\[(?P<component>\w+)\]\s+)?{_MESSAGE}",
    ),
    Layout("mongodb", rf"^{_TIME} (?P<level>[FEWID]\d?)\s+(?P<component>[A-Z-]+)\s+\[[^\]]*\] {_MESSAGE}"),
    Layout(
        "logback",
        rf"^(?P<time>{_ISO}|{timestamps.TIME_ONLY.pattern})\s+\[[^\]]*\]\s+{_LEVEL}\s+(?:{_CONTEXT}\s+)*"
        rf"(?P<component>[^\s=]+)\s+--?\s+{_MESSAGE}",
    ),
    Layout(
        "tidb",  # the message is quoted where it has spaces
        rf"^\[(?P<time>{timestamps.SLASHED.pattern} [+-]\d{{2}}:\d{{2}})\] \[{_LEVEL}\] \[(?P<component>[^\]]*)\] "
        rf'\["?{_MESSAGE}',
    ),
    Layout("log4j", rf"^{_TIME}\s+{_LEVEL}\s+\[[^\]]*\]\s+(?P<component>[^\s:]+):\s{_MESSAGE}"),
    Layout("log4j-short", rf"^{_TIME}\s+{_LEVEL}\s+(?P<component>[\w.$]+):\s{_MESSAGE}"),
    Layout("context", rf"^{_TIME}\s+{_LEVEL}\s+(?P<component>[\w.$-]+)\s+(?:{_CONTEXT}\s+)+{_MESSAGE}"),
    Layout("spark", rf"^(?P<time>{timestamps.SHORT_SLASHED}) {_LEVEL} (?P<component>[^:\s]+): {_MESSAGE}"),
    Layout("compact-date", rf"^(?P<time>{timestamps.COMPACT.pattern}) \d+ {_LEVEL} (?P<component>[^:]+): {_MESSAGE}"),
    Layout(
        "ras",
        r"^(?P<alert>\S+) (?P<time>\d{10}) \d{4}\.\d{2}\.\d{2} \S+ \d{4}-\d{2}-\d{2}-\d{2}\.\d{2}\.\d{2}\.\d+ \S+ "
        rf"\S+ (?P<component>\S+) (?P<level>[A-Z]+)(?: |$){_MESSAGE}",
    ),
    Layout(
        "tagged-syslog",
        rf"^(?P<alert>\S+) (?P<time>\d{{10}}) \d{{4}}\.\d{{2}}\.\d{{2}} \S+ {_SYSLOG} \S+ "
        rf"{_TAG}:\s*{_MESSAGE}",
    ),
    Layout(
        "postgresql",
        rf"^{_TIME}[^\[]{{0,100}}(?:\[local\][^\[]{{0,100}})?\[\d+(?:-\d+)?\]"
        r".{0,200}?\b"  # the rest of the line's beginning is up to the server
        r"(?P<level>LOG|ERROR|FATAL|PANIC|WARNING|NOTICE|INFO|DEBUG\d?|DETAIL|HINT|STATEMENT|CONTEXT|QUERY):\s\s+"
        + _MESSAGE,
    ),
    Layout(
        "syslog-5424-data",  # the event is its id and its structured data where nothing stands behind them
        rf"^<\d+>\d+ {_TIME} \S+ (?P<component>\S+) \S+ (?P<message>\S+ (?:\[(?:[^\]\\]|\\.)*\])+)\s*$",
    ),
    Layout(
        "syslog-5424",
        rf"^<\d+>\d+ {_TIME} \S+ (?P<component>\S+) \S+ \S+ (?:-|(?:\[(?:[^\]\\]|\\.)*\])+)\s?"
        rf"(?:\x{{FEFF}})?{_MESSAGE}",
    ),
    Layout(
        "postgresql-csv",
        rf"^{_TIME},(?:{CELL},){{10}}(?P<level>[A-Z]+\d?),[0-9A-Z]{{5}},(?P<message>{CELL})",
        kind="csv",
    ),
    Layout(
        "cisco",
        rf"^(?:<\d+>)?(?:\d+: )?[*.]?(?P<time>{timestamps.MONTH_DAY_YEAR.pattern}|{_SYSLOG})(?: [A-Z]{{3,4}})?"
        rf"(?: [\w.-]+)? ?:? %[A-Z0-9_]+-(?P<level>\d)-\w+: {_MESSAGE}",
    ),
    Layout(
        "haproxy",
        rf"^(?:<\d+>)?(?P<time>{_SYSLOG}|{_ISO}) \S+ haproxy\[\d+\]: \S+ \[[^\]]*\] \S+ \S+ [\d/+-]+ (?P<status>-?\d+) "
        r'.*"(?P<method>[A-Z]+) (?P<path>\S*)[^"]*"?$',
        kind="access",
    ),
    Layout(
        "java-logging-one-line",
        rf"^{_TIME} (?P<component>[\w.$]+) \S+ {_LEVEL}: {_MESSAGE}",
    ),
    Layout(
        "syslog",  # with facility and level, as BusyBox writes it
        rf"^(?P<time>{timestamps.CTIME.pattern}|{_SYSLOG}) (?:[\w.-]+ )?[a-z]+\d?\."
        rf"(?P<level>emerg|alert|crit|err|warn|notice|info|debug) {_TAG}:\s+{_MESSAGE}",
    ),
    Layout(
        "syslog",
        rf"^(?:<\d+>)?(?:[A-Z][a-z]{{2}} )?(?P<time>{_SYSLOG}) (?P<host>[^\s\[\]]*[^\s\[\]:]) {_TAG}"
        r"(?: \([^()\s]{1,120}\))?"  # what launchd speaks for
        rf"(?: <(?P<level>[A-Z][a-z]+)>)?:(?:\s+|$){_MESSAGE}",
    ),
    Layout(
        "syslog",
        rf"^(?:<\d+>)?(?:[A-Z][a-z]{{2}} )?(?P<time>{_ISO}) (?P<host>[A-Za-z0-9](?:[\w.:-]*[\w.-])?) "
        rf"(?P<component>[A-Za-z_][\w./@-]*(?:\([^)]*\))?)(?:\[\d+\])?:(?:\s+|$){_MESSAGE}",
    ),
    Layout(
        "syslog",  # without the host, as a program itself writes it
        rf"^(?P<time>{_SYSLOG}) (?P<component>[A-Za-z_][\w./-]*(?:\([^)]*\))?)(?:<[^<>\s]*>|\[\d+\])*: {_MESSAGE}",
    ),
    Layout(
        "access",
        rf'^(?:\S+ )?\S+ \S+ \S+ \[(?P<time>{timestamps.ACCESS.pattern})\] '
        r'"(?:(?P<method>[A-Z]+) (?P<path>\S*)[^"]*|[^"]*)" (?P<status>\d{3})\b',
        kind="access",
    ),
    Layout(
        "s3-access",
        rf"^\S+ \S+ \[(?P<time>{timestamps.ACCESS.pattern})\] \S+ \S+ \S+ \S+ \S+ "
        r'"(?P<method>[A-Z]+) (?P<path>\S*)[^"]*" '
        r"(?P<status>\d{3})\b",
        kind="access",
    ),
    Layout(
        "load-balancer",
        rf'^(?:\w+ )?{_TIME} \S+ \S+ \S+ \S+ \S+ \S+ (?P<status>\d{{3}}|-) \S+ \S+ \S+ '
        r'"(?P<method>[A-Z]+|-) (?P<path>\S*)[^"]*"',
        kind="access",
    ),
    Layout(
        "squid",
        r"^(?P<time>\d{10}\.\d{3})\s+\d+ \S+ [A-Z_]+/(?P<status>\d{3}) \d+ (?P<method>[A-Z]+) (?P<path>\S+)",
        kind="access",
    ),
    Layout(
        "gin",
        rf"^\[GIN\] (?P<time>{timestamps.SLASHED_APART.pattern}) \|\s*(?P<status>\d{{3}})\s*\|[^|]*\|[^|]*\|\s*"
        r'(?P<method>[A-Z]+)\s+"(?P<path>[^"]*)"',
        kind="access",
    ),
    Layout(
        "uvicorn-access",
        rf'^{_LEVEL}:\s+\S+ - "(?P<method>[A-Z]+) (?P<path>\S*) HTTP/[\d.]+" (?P<status>\d{{3}})\b',
        kind="access",
    ),
    Layout(
        "access-custom",
        rf'^[\[(]?(?P<time>{timestamps.ANY_TIME})[\])]?\s.*?"(?P<method>[A-Z]+) (?P<path>\S*) HTTP/[\d.]+" '
        r"(?P<status>\d{3})\b",
        kind="access",
    ),
    Layout(
        "nginx-error",
        rf"^(?P<time>{timestamps.SLASHED.pattern}|{_ISO}) \[(?P<level>\w+)\] \d+#\d+: (?:\*\d+ )?{_MESSAGE}",
    ),
    Layout(
        "apache-error",
        rf"^\[(?P<time>{timestamps.CTIME.pattern}|{_ISO})\] \[(?:(?P<component>\w+):)?"
        r"(?P<level>emerg|alert|crit|error|warn|notice|info|debug|trace\d)\] "
        rf"(?:\[pid [^\]]*\] )?(?:\[client [^\]]*\] )?{_MESSAGE}",
    ),
    Layout("redis", rf"^\d+:[A-Z] (?P<time>{timestamps.DAY_MONTH.pattern}) (?P<level>[.*#-]) {_MESSAGE}"),
    Layout(
        "logcat",
        rf"^(?P<time>{timestamps.MONTH_DAY.pattern}|{_ISO})\s+\d+\s+\d+ (?P<level>[VDIWEFA]) (?P<component>.*?)\s*: "
        + _MESSAGE,
    ),
    Layout(
        "logcat-brief",
        rf"^(?:(?P<time>{timestamps.MONTH_DAY.pattern}) )?"
        rf"(?P<level>[VDIWEFA])/(?P<component>[^(]*)\(\s*\d+\): {_MESSAGE}",
    ),
    Layout(
        "glog",
        rf"^(?P<level>[IWEF])(?P<time>{timestamps.GLOG.pattern})"
        rf"\s+\d+ (?P<component>[^\s:]+):\d+\] {_MESSAGE}",
    ),
    Layout(
        "klog",
        rf"^(?P<level>[IWEF])(?P<time>{timestamps.KLOG.pattern})"
        rf"\s+\d+ (?P<component>[^\s:]+):\d+\] {_MESSAGE}",
    ),
    Layout("vmware", rf"^{_TIME} (?P<level>In|Wa|Er|Cr|Al|Em|No|Db)\(\d+\):? (?:(?P<component>\S+) - )?{_MESSAGE}"),
    Layout("esp-idf", rf"^(?P<level>[EWIDV]) \(\d+\) (?P<component>[^\s:]+): {_MESSAGE}"),
    Layout("ruby", rf"^[DIWEFA], \[(?P<time>{_ISO}) #\d+\]\s+(?P<level>[A-Z]+) -- (?P<component>[^:]*): {_MESSAGE}"),
    Layout("cbs", rf"^{_TIME}, {_LEVEL}\s+(?P<component>\S+)\s+{_MESSAGE}"),
    Layout("state-change", rf"^\d+ \S+ (?P<component>\S+) (?P<level>\S+) (?P<time>\d{{10}}) -?\d+ {_MESSAGE}"),
    Layout(
        "java-logging",
        rf"^(?P<level>{ANY_LEVEL}): {_MESSAGE}",
        kind="headed",
        heading=rf"^(?P<time>{timestamps.NAMED_TWELVE_HOURS.pattern}|{_ISO}) "
        r"(?P<component>[\w$]+(?:\.[\w$<>]+)+)(?: \S+)?$",
    ),
    Layout(
        "dotnet",
        rf"^ {{6}}{_MESSAGE}",
        kind="headed",
        heading=rf"^(?:\[?(?P<time>{timestamps.ANY_TIME})\]?[ ]?)?(?P<level>{_DOTNET_LEVEL}): "
        r"(?P<component>\S+\[\d+\])$",
    ),
    Layout("dotnet-one-line", rf"^(?:{_TIME} ?)?(?P<level>{_DOTNET_LEVEL}): (?P<component>[\w.]+\[\d+\]) {_MESSAGE}"),
    Layout(
        "samba",  # the number is how talkative the server must be for the line to be written
        r"^\s+(?P<message>\S.*)$",
        kind="headed",
        heading=rf"^\[(?P<time>{timestamps.SLASHED.pattern}),\s+\d+[^\]]*\] (?P<component>\S+:\d+\(\S*\))\s*$",
    ),
    Layout(
        "mysql-general",  # only the first line of each second has a time
        rf"^(?P<time>{_ISO}|\d{{6}} {{1,2}}\d{{1,2}}:\d{{2}}:\d{{2}})?\t+ *\d+ (?P<message>[A-Z][A-Za-z ]*(?:\t.*)?)$",
    ),
    Layout(
        "varnishlog",  # the lines of a transaction, some of which say when something was done
        r"^(?:\*+|-+) +(?P<message><< \w+ +>> \d+|[A-Z][\w-]+ +\w+: (?P<time>\d{10}\.\d{6})\b.*|[A-Z][\w-]+(?: .*)?)$",
    ),
    Layout(
        "journal-export",
        r"^MESSAGE=(?P<message>.*)$",
        kind="block",
        heading=r"^(?:__REALTIME_TIMESTAMP=(?P<time>\d{16})$|PRIORITY=(?P<level>\d)$|_*[A-Z][A-Z0-9_]*=)",
    ),
    Layout(
        "journal-verbose",
        r"^ {4}MESSAGE=(?P<message>.*)$",
        kind="block",
        heading=rf"^(?:[A-Z][a-z]{{2}} (?P<time>{_ISO})(?: [A-Z+-]\S*)? \[s=\S+\]$| {{4}}PRIORITY=(?P<level>\d)$"
        r"| {4}_*[A-Z][A-Z0-9_]*=)",
    ),
    Layout("mysql-slow", PLAIN_PATTERN, kind="headed", heading=r"^SET timestamp=(?P<time>\d{10}(?:\.\d+)?);$"),
    Layout(
        "php",
        rf"^\[(?P<time>{timestamps.DAY_DASHED.pattern})[^\]]*\] PHP (?P<level>[A-Z][a-z]+)(?: error)?:\s+{_MESSAGE}",
    ),
    Layout("laravel", rf"^\[{_TIME}\] [\w-]+\.{_LEVEL}: {_MESSAGE}"),
    Layout("cassandra", rf"^{_LEVEL}\s+\[[^\]]*\]\s+{_TIME}\s+(?P<component>[^\s:]+):\d+ - {_MESSAGE}"),
    Layout("lambda-platform", r"^(?P<message>(?:INIT_START|START|END|REPORT) .*)$"),
    Layout(
        "django-response",
        r"^(?P<message>(?:Bad Request|Unauthorized|Forbidden|Not Found|Method Not Allowed|Internal Server Error)"
        r"(?: \([^)]*\))?: .*)$",
    ),
    Layout(
        "kernel",
        rf"^(?:<\d+>|\w+\s*:(?P<level>[a-z]+)\s*: )?\[\s*(?P<time>\d{{1,9}}\.\d{{6}})\]\s*{_MESSAGE}",
    ),
    Layout(
        "logrus-terminal",
        rf"^(?P<level>TRAC|DEBU|INFO|WARN|ERRO|FATA|PANI)\[(?:(?P<time>{_ISO})|\d{{4,}})\] {_MESSAGE}",
    ),
    Layout(
        "macos-unified",
        rf"^{_TIME}\s+\dx[0-9a-f]+\s+(?P<level>Default|Info|Debug|Error|Fault|Activity)\s+\dx[0-9a-f]+\s+\d+\s+\d+\s+"
        rf"(?P<component>[^:]+): {_MESSAGE}",
    ),
    Layout("npm", rf"^\d+ (?P<level>silly|verbose|http|timing|info|notice|warn|error) {_MESSAGE}"),
    Layout("python-basic", rf"^{_LEVEL}:(?P<component>[\w.]+):{_MESSAGE}"),
    Layout(
        "python-name",  # in small letters it would be a word of a sentence
        rf"^{_TIME}\s+(?P<component>[\w.]+)\s+(?P<level>{'|'.join(LEVELS)})\s+{_MESSAGE}",
    ),
    Layout("level", rf"^[\[(]?{_LEVEL}(?:\s*[\])]:?|:)\s+{_MESSAGE}", vague=True),
    Layout("priority", rf"^<(?P<level>\d)>{_MESSAGE}"),
)  # fmt: skip
LAYOUTS: tuple[Layout, ...] = tuple(
    replace(layout, pattern=ascii_only(layout.pattern), heading=ascii_only(layout.heading)) for layout in _LAYOUTS
)
"""isang's own, the more telling before the more general."""
GROUP = "isang.layouts"
"""The entry points of other packages' layouts."""
PLAIN = Layout("plain", PLAIN_PATTERN)
"""Every line is a message without a time; an indented line belongs to the one before."""


@cache
def registered() -> tuple[Layout, ...]:
    """Every layout that is recognised: those of other installed packages, then isang's own.

    Raises InputError for one that does not keep the contract.
    """
    added = plugins(GROUP, Layout, taken=[layout.name for layout in LAYOUTS])
    return (*map(_usable, added), *LAYOUTS)


def _usable(layout: Layout) -> Layout:
    """Raises InputError for someone else's layout that cannot read a line."""
    if not isinstance(layout, Layout):
        raise InputError(f"the layout {layout.name} of another package must be an isang Layout; see docs/extending.md")
    try:
        for pattern in (layout.pattern, layout.heading):
            check_expression(f"the layout {layout.name} of another package", pattern)
    except UsageError as error:
        raise InputError(str(error)) from error
    if layout.kind in ("text", "headed") and "(?P<message>" not in layout.pattern:
        raise InputError(f"the layout {layout.name} of another package needs a group named message in its pattern")
    return replace(layout, pattern=ascii_only(layout.pattern), heading=ascii_only(layout.heading))


_FIELDS = {
    "time": f"(?P<time>{timestamps.ANY_TIME}|{timestamps.SINCE_START.pattern})",
    "level": r"(?P<level>\w+)",
    "message": r"(?P<message>.*)",
    "alert": r"(?P<alert>\S+)",
}


@dataclass(frozen=True)
class GivenLayout(Layout):
    """A user's layout."""

    clock: timestamps.Clock | None = None
    """The format of its times, if the user gave one."""


_TIME_FORMAT = re.compile(r"<time:([^<>]+)>")


def from_pattern(pattern: str, name: str = "given") -> GivenLayout:
    """A user's layout such as `<time> <level> [<thread>] <component>: <message>`.

    Text outside <...> matches literally, a space matches any white space; `<time:%d.%m.%Y %H:%M:%S>` gives the format
    of the time as for strptime. Raises UsageError for a pattern without <message> or with a name twice, and for a
    format that gives no time.
    """
    form = _TIME_FORMAT.search(pattern)
    clock = None if form is None else timestamps.clock_of(form[1])
    pattern = _TIME_FORMAT.sub("<time>", pattern)
    names = re.findall(r"<(\w+)>", pattern)
    unfit = [name for name in names if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name)]
    if unfit:
        raise UsageError(f"--layout takes names of letters, digits and _ that begin with a letter, got <{unfit[0]}>")
    if "message" not in names or len(set(names)) != len(names):
        raise UsageError(
            f"--layout needs <message> and each name once, got {pattern!r}; such as '<time> <level> <message>'"
        )
    parts = re.split(r"<(\w+)>", pattern.strip())
    known = _FIELDS if clock is None else {**_FIELDS, "time": f"(?P<time>{clock.pattern})"}
    expression = "".join(
        known.get(part, rf"(?P<{part}>.*?)") if position % 2 else re.sub(r"(?:\\ )+", r"\\s+", re.escape(part))
        for position, part in enumerate(parts)
    )
    return GivenLayout(name, f"^{expression}$", clock=clock)
