"""Each layout is recognised from its own lines, and gives time, level and message."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from isang.errors import UsageError
from isang.logs.input.chunks import Chunk
from isang.logs.parsing import layouts, timestamps
from isang.logs.parsing.known_layouts import KnownLayout, known_of
from isang.logs.parsing.records import Records, SourceLayout, parse_chunk, recognise_source, record_texts

REFERENCE = datetime(2024, 6, 30, tzinfo=UTC)
AT = datetime(2024, 6, 9, 14, 3, 2, tzinfo=UTC)


def read(text: str, *, zone: str = "UTC", layout: str | None = None) -> tuple[SourceLayout, Records]:
    given = layouts.from_pattern(layout) if layout else None
    sample = pl.Series(text.split("\n"))
    source = recognise_source(sample, given=given, zone=zone, reference=REFERENCE)
    return source, parse_chunk(Chunk(text, 1, None), source)


MORE_LINES = [
    (
        "auditd",
        "type=USER_AUTH msg=audit(1717941782.000:7): res=failed",
        None,
        "type=USER_AUTH msg=audit(1717941782.000:7): res=failed",
    ),
    ("cisco", "<166>Jun 09 2024 14:03:02: %ASA-6-302013: Built connection", "INFO", "Built connection"),
    ("cisco", "Jun  9 14:03:02 fw1 %ASA-4-106023: Deny tcp", "WARN", "Deny tcp"),
    ("cisco", "Jun 09 2024 14:03:02 fw1 : %ASA-2-106001: denied", "CRIT", "denied"),
    ("cisco", "000017: *Jun  9 14:03:02.000: %LINK-3-UPDOWN: changed state to up", "ERROR", "changed state to up"),
    ("syslog", "Sun 2024-06-09 14:03:02 UTC web1 sshd[7]: closed", None, "closed"),
    ("syslog", "Jun  9 14:03:02 phone SpringBoard[7] <Error>: it failed", "ERROR", "it failed"),
    (
        "haproxy",
        'Jun  9 14:03:02 lb haproxy[7]: 1.2.3.4:5 [09/Jun/2024:14:03:02] b b/s 0/1 503 1 - "GET /a?x HTTP/1.1"',
        None,
        "GET /a Service_Unavailable",
    ),
    (
        "s3-access",
        '79a5 pics [09/Jun/2024:14:03:02 +0000] 1.2.3.4 u 3E57 REST.GET a.jpg "GET /pics/a.jpg HTTP/1.1" 200',
        None,
        "GET /pics /a.jpg OK",
    ),
    (
        "load-balancer",
        'https 2024-06-09T14:03:02Z app/lb/50 1.2.3.4:5 1.1.1.1:80 0 0 0 404 404 1 2 "GET https://a/cart/7?x HTTP/1.1"',
        None,
        "GET /cart /7 Not_Found",
    ),
    (
        "load-balancer",
        '2024-06-09T14:03:02Z lb 1.2.3.4:5 10.0.0.1:80 0 0 0 200 200 0 2 "GET http://x.org:80/ HTTP/1.1" "curl" - -',
        None,
        "GET / OK",
    ),
    (
        "squid",
        "1717941782.000    12 1.2.3.4 TCP_DENIED/403 512 GET http://example.com/a - HIER_NONE/- text/html",
        None,
        "GET /a Forbidden",
    ),
    ("gin", '[GIN] 2024/06/09 - 14:03:02 | 200 |   1.2ms |  1.2.3.4 | POST     "/orders"', None, "POST /orders OK"),
    ("access-custom", '[09/Jun/2024 14:03:02] "GET /admin/ HTTP/1.1" 302 0', None, "GET /admin / Found"),
    (
        "postgresql-csv",
        '2024-06-09 14:03:02.000 UTC,"a","shop",7,"[local]",66.1,1,"SET",2024,3/1,0,ERROR,23505,"no ""x"", sorry",,',
        "ERROR",
        'no "x", sorry',
    ),
    ("mysql", "2024-06-09 14:03:02 7 [Warning] Aborted connection 7", "WARNING", "Aborted connection 7"),
    ("logback", "14:03:02.000 [main] INFO c.e.App -- new default", "INFO", "new default"),
    ("logcat", "2024-06-09 14:03:02.000  1702  2395 E ActivityManager: it failed", "ERROR", "it failed"),
    ("php", "[09-Jun-2024 14:03:02 UTC] PHP Fatal error:  Uncaught Exception: no", "FATAL", "Uncaught Exception: no"),
    ("laravel", "[2024-06-09 14:03:02] production.ERROR: it failed", "ERROR", "it failed"),
    ("cassandra", "WARN  [Compaction:7] 2024-06-09 14:03:02,000 CompactionTask.java:7 - slow", "WARN", "slow"),
    (
        "java-logging-one-line",
        "2024-06-09T14:03:02.000Z com.example.Orders place SEVERE: it failed",
        "SEVERE",
        "it failed",
    ),
    ("python-name", "2024-06-09 14:03:02,000 shop.orders WARNING stock is low", "WARNING", "stock is low"),
    ("general-iso", "[ERROR] 2024-06-09 14:03:02.000 it failed", "ERROR", "it failed"),
    ("general-iso", "ERROR 2024-06-09 14:03:02,000 views 7 8 it failed", "ERROR", "views 7 8 it failed"),
    ("general-iso", "[ERROR]\t2024-06-09T14:03:02.000Z\t7f\tit failed", "ERROR", "7f\tit failed"),
    ("dotnet-one-line", "2024-06-09T14:03:02Z fail: Shop.Orders[0] it failed", "FAIL", "it failed"),
    ("general-iso", "2024-06-09 14:03:02.000+0000 [id=7]\tWARNING\th.m.Job: slow", "WARNING", "h.m.Job: slow"),
    ("general-iso", "[2024-06-09 14:03:02.000][7][warning][upstream] slow", "WARNING", "[upstream] slow"),
    ("general-slashed", "[2024/06/09 14:03:02] [ info] [output] ready", "INFO", "[output] ready"),
    ("general-iso", "web-1   | 2024-06-09 14:03:02.000 INFO ready", "INFO", "ready"),
    ("general-iso", "[pod/shop-7f/shop] 2024-06-09T14:03:02Z INFO ready", "INFO", "ready"),
    (
        "json",
        '{"t":{"$date":"2024-06-09T14:03:02.000+00:00"},"s":"I","id":7,"msg":"accepted","attr":{}}',
        "INFO",
        "accepted",
    ),
    (
        "json",
        '{"@timestamp":"2024-06-09T14:03:02Z","log":{"level":"error","logger":"a"},"message":"nested"}',
        "ERROR",
        "nested",
    ),
    (
        "json",
        '{"timestamp":"2024-06-09T14:03:02Z","level":"INFO","fields":{"message":"traced","n":7}}',
        "INFO",
        "traced",
    ),
    (
        "json",
        '{"timestamp":"2024-06-09T14:03:02Z","severity":"INFO","jsonPayload":{"message":"cloud"}}',
        "INFO",
        "cloud",
    ),
    ("json", '{"timestamp":"2024-06-09T14:03:02Z","severity":"INFO","textPayload":"cloud"}', "INFO", "cloud"),
    (
        "json",
        '{"severity":"ERROR","time":"2024-06-09T14:03:02Z","httpRequest":{"requestMethod":"GET","requestUrl":"https://a.b/c"}}',
        "ERROR",
        "GET /c",
    ),
    (
        "json",
        '{"eventTime":"2024-06-09T14:03:02Z","eventName":"RunInstances","errorCode":"AccessDenied"}',
        None,
        "RunInstances errorCode=AccessDenied",
    ),
    (
        "json",
        '{"timeUnixNano":"1717941782000000000","severityText":"INFO","body":{"stringValue":"open"}}',
        "INFO",
        "open",
    ),
    (
        "json",
        '{"time":"2024-06-09T14:03:02Z","operationName":"Web/write","resultType":"Success"}',
        None,
        "Web/write resultType=Success",
    ),
]
LINES = [
    ("spring-boot", "2024-06-09T14:03:02.000Z  INFO 1 --- [nio-8080] c.e.Orders  : placed", "INFO", "placed"),
    ("spring-boot", "2024-06-09 14:03:02.000  WARN 7 --- [main] o.s.Boot : slow", "WARN", "slow"),
    ("logback", "2024-06-09 14:03:02.000 [main] ERROR com.example.App - it failed", "ERROR", "it failed"),
    ("log4j", "2024-06-09 14:03:02,000 INFO [main] org.apache.hadoop.App: started", "INFO", "started"),
    ("python", "2024-06-09 14:03:02,000 - shop.orders - WARNING - stock is low", "WARNING", "stock is low"),
    ("spark", "24/06/09 14:03:02 INFO executor.Executor: Running task 0", "INFO", "Running task 0"),
    ("compact-date", "240609 140302 148 INFO dfs.DataNode: Receiving block", "INFO", "Receiving block"),
    ("zookeeper", "2024-06-09 14:03:02,000 - INFO  [main:Server@12] - up", "INFO", "up"),
    ("zookeeper", "2024-06-09 14:03:02,000 [myid:1] - WARN  [main:Server@12] - slow", "WARN", "slow"),
    ("syslog", "Jun  9 14:03:02 web1 sshd[812]: session opened", None, "session opened"),
    ("syslog", "<34>Jun  9 14:03:02 web1 su(pam_unix)[812]: failure", None, "failure"),
    ("general-iso", "2024-06-09 14:03:02 installed libudev1:amd64 1.2", None, "installed libudev1:amd64 1.2"),
    ("syslog-5424", "<165>1 2024-06-09T14:03:02Z web1 app 812 ID47 - it works", None, "it works"),
    ("nginx-error", "2024/06/09 14:03:02 [error] 31#31: *1 open() failed", "ERROR", "open() failed"),
    ("apache-error", "[Sun Jun 09 14:03:02 2024] [notice] child 7 started", "NOTICE", "child 7 started"),
    ("apache-error", "[Sun Jun 09 14:03:02.000000 2024] [core:error] [pid 7] [client 1.2.3.4:5] gone", "ERROR", "gone"),
    ("access", '1.2.3.4 - - [09/Jun/2024:16:03:02 +0200] "GET /cart/17?x=1 " 404 1', None, "GET /cart /17 Not_Found"),
    ("postgresql", "2024-06-09 14:03:02.000 UTC [77] LOG:  checkpoint starting", "LOG", "checkpoint starting"),
    ("redis", "1:M 09 Jun 2024 14:03:02.000 * Ready to accept connections", "NOTICE", "Ready to accept connections"),
    ("logcat", "06-09 14:03:02.000  1702  2395 D WindowManager: printFreezing", "DEBUG", "printFreezing"),
    ("klog", "E0609 14:03:02.000000       1 reflector.go:138] failed to list", "ERROR", "failed to list"),
    ("cbs", "2024-06-09 14:03:02, Info                  CBS    Loaded Stack", "INFO", "Loaded Stack"),
    ("openstack", "2024-06-09 14:03:02.000 2931 INFO nova.api [req-1 - - -] GET done", "INFO", "GET done"),
    ("json", '{"time":"2024-06-09T14:03:02Z","level":"info","msg":"order \\"17\\""}', "INFO", 'order "17"'),
    ("json", '{"level":50,"time":1717941782000,"pid":1,"msg":"it failed"}', "ERROR", "it failed"),
    ("json", '{"__REALTIME_TIMESTAMP":"1717941782000000","PRIORITY":"6","MESSAGE":"Started."}', "INFO", "Started."),
    ("json", '{"level":"info","ts":1717941782.0,"caller":"a.go:7","msg":"zap","n":3}', "INFO", "zap"),
    ("json", '{"level":"warning","msg":"logrus","time":"2024-06-09T14:03:02Z"}', "WARNING", "logrus"),
    ("json", '{"@t":"2024-06-09T14:03:02.0000000Z","@mt":"{Id} left","@l":"Error","Id":7}', "ERROR", "{Id} left"),
    ("json", '{"Timestamp":"2024-06-09T14:03:02Z","Level":"Debug","RenderedMessage":"serilog"}', "DEBUG", "serilog"),
    ("json", '{"@timestamp":"2024-06-09T14:03:02Z","log.level":"INFO","message":"ecs"}', "INFO", "ecs"),
    ("context", "2024-06-09 14:03:02,000 INFO shop.cart [rid=7f] user=ann Hit it", "INFO", "Hit it"),
    ("access", '1.2.3.4 - ann [09/Jun/2024:14:03:02 +0000] "PUT / HTTP/1.1" 409 1 "-" "x"', None, "PUT / Conflict"),
    ("apache-error", "[Sun Jun 09 14:03:02 2024] [error] [client 1.2.3.4] no such file", "ERROR", "no such file"),
    ("postgresql", "2024-06-09 14:03:02 UTC [7]: [2-1] user=ann,db=shop LOG:  it", "LOG", "it"),
    ("redis", "7:C 09 Jun 2024 14:03:02.000 # Configuration loaded", "WARNING", "Configuration loaded"),
    ("syslog", "2024-06-09T14:03:02+00:00 web1 kernel: eth0 is up", None, "eth0 is up"),
    ("logback", "14:03:02.000 [main] INFO  c.e.App - no date", "INFO", "no date"),
    ("log4j-short", "2024-06-09 14:03:02,000 WARN org.apache.Zoo: slow", "WARN", "slow"),
    ("logfmt", 'time="2024-06-09T14:03:02Z" level=info msg="order placed" id=17', "INFO", "order placed"),
    ("spring-boot", "2024-06-09 14:03:02.000  INFO [cart,3f2a9c,] 7 --- [http-1] o.s.Boot : slow", "INFO", "slow"),
    ("spring-boot", "2024-06-09T14:03:02Z  INFO 7 --- [cart] [http-1] [3f2a-9c] o.s.Boot : slow", "INFO", "slow"),
    ("logback", "2024-06-09T14:03:02Z [http-1] INFO request_id=a7 [x] stock.http - it is low", "INFO", "it is low"),
    ("postgresql", "2024-06-09 14:03:02.000 UTC [18] cart@shop rid=4f HINT:  vacuum it", "HINT", "vacuum it"),
    ("postgresql", "2024-06-09 14:03:02 UTC:10.0.0.1(5432):ann@shop:[77]:ERROR:  no such", "ERROR", "no such"),
    ("logfmt", 'ts=2024-06-09T14:03:02Z level=warn logger=a rid=7 event="slow \\"x\\"" n=', "WARN", 'slow \\"x\\"'),
    ("logfmt", "time=2024-06-09T14:03:02Z at=router", None, "at=router"),
    ("access-custom", '[2024-06-09T14:03:02Z] "GET /cart/17 HTTP/2" 404 via=x', None, "GET /cart /17 Not_Found"),
    ("syslog-5424", '<34>1 2024-06-09T14:03:02Z w su - - [a@1 x="b\\]"] su failed', None, "su failed"),
    ("access", 'example.org:80 1.2.3.4 - - [09/Jun/2024:14:03:02 +0000] "GET / HTTP/1.1" 200 1', None, "GET / OK"),
    ("access", '1.2.3.4 - - [09/Jun/2024:14:03:02 +0000] "\\x16\\x03" 400 157 "-" "-"', None, "Bad_Request"),
    ("ruby", "I, [2024-06-09T14:03:02.000000 #7]  INFO -- : Started", "INFO", "Started"),
    ("postgresql", "2024-06-09 23:03:02.000 KST [77] LOG:  ready", "LOG", "ready"),
    ("json", '{"__REALTIME_TIMESTAMP":"1717941782000000","MESSAGE":[104,105,27,91,48,109,33]}', None, "hi!"),
    ("json", '{"time":"2024-06-09T14:03:02Z","msg":"\\u001b[31mred\\u001b[0m"}', None, "red"),
    ("logcat-brief", "06-09 14:03:02.000 W/ActivityManager(  585): Slow operation", "WARNING", "Slow operation"),
    ("glog", "W20240609 14:03:02.000000 1234 file.cc:12] disk is slow", "WARNING", "disk is slow"),
    ("loguru", "2024-06-09 14:03:02.000 | WARNING  | app.main:run:7 - stock is low", "WARNING", "stock is low"),
    ("mysql", "2024-06-09T14:03:02.000000Z 7 [ERROR] [MY-010119] [Server] Aborting", "ERROR", "Aborting"),
    ("mysql", "2024-06-09T14:03:02.000000Z 0 [Note] ready for connections", "NOTE", "ready for connections"),
    ("mongodb", "2024-06-09T14:03:02.000+0000 I NETWORK  [conn7] end connection", "INFO", "end connection"),
    ("log4j-short", "09.06.2024 14:03:02 WARN Service: slow", "WARN", "slow"),
    ("log4j-short", "6/9/2024 2:03:02 PM INFO Service: up", "INFO", "up"),
    ("general-year-last-slashed-half-behind", "06/09/2024, 02:03:02 PM - it is up", None, "it is up"),
    ("general-iso", "2024-06-09\t14:03:02\tFRA2\tGET", None, "FRA2\tGET"),
    ("general-iso", "[2024-06-09 14:03:02 +0000] [7] [INFO] Booting worker", "INFO", "Booting worker"),
    ("general-iso", "[2024-06-09T14:03:02,000][WARN ][o.e.Node  ] [n1] slow", "WARN", "[o.e.Node  ] [n1] slow"),
    ("general-iso", "2024-06-09 23:03:02.000 +09:00 [INF] Order placed", "INFO", "Order placed"),
    ("general-day-dashed", "09-Jun-2024 14:03:02.000 SEVERE [main] it failed", "SEVERE", "[main] it failed"),
    ("general-iso", "2024-06-09 14:03:02 a=b is no list of pairs", None, "a=b is no list of pairs"),
    ("general-iso", "2024-06-09T14:03:02+00:00 something happened", None, "something happened"),
    ("general-iso", "[2024-06-09 14:03:02] ERROR: something happened", "ERROR", "something happened"),
    ("general-epoch", "1717941782 something happened", None, "something happened"),
    ("general-slashed", "2024/06/09 14:03:02 something happened", None, "something happened"),
    ("general-day-month-year-slashed", "10.0.0.7:4111 [09/Jun/2024:14:03:02.000] web~ shop/a 0/1 it is up", None,
     "web~ shop/a 0/1 it is up"),
    ("macos-unified", "2024-06-09 14:03:02.000000+0000 0x1a2b Error 0x0 77 0 shelfd: (Kit) it failed", "ERROR",
     "(Kit) it failed"),
    ("syslog", "Sun Jun  9 14:03:02 2024 daemon.warn dnsmasq[77]: it is slow", "WARN", "it is slow"),
    ("logrus-terminal", "ERRO[2024-06-09T14:03:02Z] it failed", "ERROR", "it failed"),
    ("general-epoch", "1717941782: something happened", None, "something happened"),
    *MORE_LINES,
]  # fmt: skip


@pytest.mark.parametrize(("name", "line", "level", "message"), LINES, ids=lambda value: str(value)[:24])
def test_a_layout_is_recognised_and_read(name: str, line: str, level: str | None, message: str) -> None:
    source, records = read("\n".join([line] * 3))
    assert [layout.name for layout, _ in source.layouts] == [name]
    at = (
        AT.replace(month=6, day=30) if source.clock is timestamps.TIME_ONLY else AT
    )  # the day of the file stands for it
    assert records.frame.select("time", "level", "message").rows() == [(at, level, message)] * 3


TIMELESS = [
    (
        "uvicorn-access",
        'WARNING:  1.2.3.4:5 - "GET /items/7?q=a HTTP/1.1" 404 Not Found',
        "WARNING",
        "GET /items /7 Not_Found",
    ),
    ("level", "INFO:     Waiting for application startup.", "INFO", "Waiting for application startup."),
    ("level", "[ERROR] it failed", "ERROR", "it failed"),
    ("priority", "<4>Shop.Orders[0] slow", "WARN", "Shop.Orders[0] slow"),
    ("kernel", "[   12.345678] usb 1-1: new device", None, "usb 1-1: new device"),
    ("kernel", "kern  :warn  : [   12.345678] usb 1-1: new device", "WARN", "usb 1-1: new device"),
    ("lambda-platform", "END RequestId: 7f", None, "END RequestId: 7f"),
]


@pytest.mark.parametrize(("name", "line", "level", "message"), TIMELESS, ids=lambda value: str(value)[:24])
def test_a_layout_without_a_time(name: str, line: str, level: str | None, message: str) -> None:
    source, records = read("\n".join([line] * 3))
    assert [layout.name for layout, _ in source.layouts] == [name]
    assert records.frame.select("time", "level", "message").rows() == [(None, level, message)] * 3


def test_single_lines_that_begin_with_a_level_are_no_layout() -> None:
    source, _ = read("one thing\nERROR: it failed\nanother thing")
    assert source.layouts[0][0] is layouts.PLAIN
    source, records = read("\n".join(["2024-06-09 14:03:02 ERROR failed", "Error: no such file", "  at x"] * 3))
    assert [layout.name for layout, _ in source.layouts] == ["general-iso"]
    assert (records.frame.height, records.continued) == (3, 6)


HEADED = [
    ("java-logging", "Jun 09, 2024 2:03:02 PM com.example.Orders place", "SEVERE: it failed", "SEVERE", "it failed"),
    ("java-logging", "Jun 09, 2024, 2:03:02\u202fPM com.example.Orders place", "FINE: x", "FINE", "x"),
    ("dotnet", "2024-06-09T14:03:02Z fail: Shop.Orders[7]", "      it failed", "FAIL", "it failed"),
    (
        "samba",
        "[2024/06/09 14:03:02,  3] ../source3/smbd/open.c:1204(open_dir)",
        "  open_dir: no",
        None,
        "open_dir: no",
    ),
    ("samba", "[2024/06/09 14:03:02,  0, pid=7, real(0, 0)] ../lib/x.c:9(f)", "  f: no", None, "f: no"),
    ("mysql-slow", "SET timestamp=1717941782;", "SELECT 7;", None, "SELECT 7;"),
]


@pytest.mark.parametrize(("name", "heading", "line", "level", "message"), HEADED)
def test_a_heading_stands_above_the_message(
    name: str, heading: str, line: str, level: str | None, message: str
) -> None:
    text = "\n".join([heading, line, "  more of it"] * 4)
    source, records = read(text)
    assert [layout.name for layout, _ in source.layouts] == [name]
    assert records.frame.select("line", "time", "level", "message").rows() == [
        (number, AT, level, message) for number in (2, 5, 8, 11)
    ]
    assert (records.leading, records.continued) == (1, 7)
    whole = f"{heading}\n{line}\n  more of it"
    assert record_texts([Chunk(text, 1, None)], source, {2, 5}) == {2: whole, 5: whole}
    parts = text.split("\n")  # the heading in one chunk, the message in the next
    chunks = [Chunk("\n".join(parts[:4]), 1, None), Chunk("\n".join(parts[4:]), 5, parts[3])]
    assert [line for chunk in chunks for line in parse_chunk(chunk, source).frame["line"]] == [2, 5, 8, 11]
    assert record_texts(chunks, source, {2, 5}) == {2: whole, 5: whole}


BLOCKS = [
    (
        "journal-export",
        "__CURSOR=s=1;i=~\n__REALTIME_TIMESTAMP=1717941782000000\nPRIORITY=4\nMESSAGE=stock of ~\n_PID=7\n",
        ("WARN", "stock of ~"),
    ),
    (
        "journal-verbose",
        "Sun 2024-06-09 14:03:02.000000 UTC [s=1;i=~;b=2]\n    MESSAGE=stock of ~\n    _PID=7\n    PRIORITY=3",
        ("ERROR", "stock of ~"),
    ),
]


@pytest.mark.parametrize(("name", "block", "said"), BLOCKS)
def test_a_record_of_several_lines_each_with_a_field_of_its_own(name: str, block: str, said: tuple[str, str]) -> None:
    text = "\n".join(block.replace("~", str(number)) for number in range(6))
    source, records = read(text)
    assert [layout.name for layout, _ in source.layouts] == [name]
    assert records.frame.select("time", "level", "message").rows() == [
        (AT, said[0], said[1].replace("~", str(number))) for number in range(6)
    ]
    assert KnownLayout.from_dict(known_of([source])[0].to_dict()).layouts[0] == source.layouts[0][0]


def test_a_time_that_only_the_first_line_of_each_second_has() -> None:
    text = "240609 14:03:02\t    4 Connect\troot@localhost on shop\n\t\t    4 Query\tselect 7\n\t\t    4 Quit\t"
    source, records = read("\n".join([text] * 4))
    assert [layout.name for layout, _ in source.layouts] == ["mysql-general"]
    assert records.frame.select("time", "message").rows()[:3] == [
        (AT, "Connect\troot@localhost on shop"),
        (None, "Query\tselect 7"),
        (None, "Quit\t"),
    ]


def test_lines_of_a_transaction_of_which_some_have_a_time() -> None:
    lines = "*   << Request  >> 7\n-   Timestamp      Start: 1717941782.000000 0.0 0.0\n-   ReqMethod      GET\n-   End"
    source, records = read("\n\n".join([lines] * 4))
    assert [layout.name for layout, _ in source.layouts] == ["varnishlog"]
    assert records.frame.select("time", "message").rows()[:4] == [
        (None, "<< Request  >> 7"),
        (AT, "Timestamp      Start: 1717941782.000000 0.0 0.0"),
        (None, "ReqMethod      GET"),
        (None, "End"),
    ]


def test_a_level_in_small_letters_between_words_is_one_of_them() -> None:
    said = ["reader error while the door opens", "reader ready", "door opened by a guest"]
    _, records = read("\n".join(f"2024-06-09 14:03:02 {text}" for text in said * 3))
    assert records.frame.select("level", "message").rows() == [(None, text) for text in said * 3]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("2024-06-09 14:03:02 pid=7 tid=gx1 class=Order jid=ab9c {}: it went on", "it went on"),
        ("[2024-06-09 14:03:02] {}[47]: shop.c:28 sell: it went on", "shop.c:28 sell: it went on"),
    ],
)
def test_a_level_behind_pairs_or_before_a_number(line: str, message: str) -> None:
    _, records = read("\n".join(line.format(level) for level in ("INFO", "WARNING", "ERROR")))
    assert records.frame["level"].to_list() == ["INFO", "WARNING", "ERROR"]
    assert all(message in said for said in records.frame["message"])


def test_a_date_of_eight_digits_behind_a_number_and_a_colon() -> None:
    _, records = read("\n".join(f"  47{n}:20240609:140302.000 it went on" for n in range(3)))
    assert records.frame["time"].to_list() == [AT] * 3


def test_the_head_of_a_slow_statement_is_no_record() -> None:
    head = "# Time: 2024-06-09T14:03:09Z\n# User@Host: shop[shop] @ [10.0.0.7]\n# Query_time: 2.0\n"
    source, records = read("\n".join([f"{head}SET timestamp=1717941782;\nSELECT 7;"] * 4))
    assert [layout.name for layout, _ in source.layouts] == ["mysql-slow"]
    assert records.frame.select("time", "message").rows() == [(AT, "SELECT 7;")] * 4


def test_a_level_among_the_tags() -> None:
    line = '{"@timestamp":"2024-06-09T14:03:02Z","tags":["%s","plugins","shop"],"pid":7,"message":"it went on"}'
    _, records = read("\n".join(line % level for level in ("info", "warning", "error")))
    assert records.frame["level"].to_list() == ["INFO", "WARNING", "ERROR"]


EVENTS = ["spawned: '{}' with pid 7{}", "success: {} entered RUNNING state, after {} seconds", "exited: {} (status {})"]
SAID = ["orders: taken {}", "orders: nothing left of it", "mailer: {} sent", "mailer: the server is away"]


@pytest.mark.parametrize(("said", "kept"), [(EVENTS, True), (SAID, False)])
def test_a_word_before_a_colon_is_a_verb_where_the_same_words_always_come_with_it(said: list[str], kept: bool) -> None:
    said = [text.format(name, number) for number, name in enumerate(("web", "mail", "cron")) for text in said]
    _, records = read("\n".join(f"2024-06-09 14:03:02,000 INFO {text}" for text in said))
    wanted = said if kept else [text.partition(": ")[2] for text in said]
    assert records.frame.select("level", "message").rows() == [("INFO", message) for message in wanted]


@pytest.mark.parametrize("time", ["2024-06-09T14:03:02Z", "2024-06-09 14:03:02+09:00", "2024-06-09 14:03:02 +0900"])
def test_nothing_is_assumed_of_zones_where_all_times_name_theirs(time: str) -> None:
    lines = [f"{time} it failed {number}" for number in range(4)]
    assert read("\n".join(lines))[0].zoned
    assert not read("\n".join([*lines, "2024-06-09 14:03:02 it failed"]))[0].zoned


DESCRIBED = [
    (
        "w3c-access",
        "#Version: 1.0\n#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query sc-status time-taken",
        "2024-06-09 14:03:02 10.0.0.1 GET /cart/7 - 404 15",
        None,
        "GET /cart /7 Not_Found",
    ),
    (
        "w3c-access",
        "#Fields: date time x-edge-location c-ip cs-method cs-uri-stem sc-status",
        "2024-06-09\t14:03:02\tICN54\t1.2.3.4\tGET\t/a\t200",
        None,
        "GET /a OK",
    ),
    ("w3c", "#Fields: date time action protocol", "2024-06-09 14:03:02 DROP TCP", None, "DROP TCP"),
    ("w3c", "#fields\tts\tuid\tid.orig_h", "1717941782.000000\tC1\t1.2.3.4", None, "C1\t1.2.3.4"),
    (
        "csv",
        "timestamp,level,logger,message,n",
        '2024-06-09T14:03:02Z,WARN,"a,b","slow, ""very""",7',
        "WARN",
        'slow, "very"',
    ),
    ("csv", "message;level;time", '"it failed";ERROR;2024-06-09 14:03:02', "ERROR", "it failed"),
    (
        "csv",
        "Level,Date and Time,Source,Event ID,Task Category",
        'Error,6/9/2024 2:03:02 PM,SCM,7036,None,"It stopped."',
        "ERROR",
        'SCM,7036,None,"It stopped."',
    ),
    (
        "csv",
        '"TimeCreated","Id","LevelDisplayName","Message"',
        '"6/9/2024 2:03:02 PM","7","Error","It stopped."',
        "ERROR",
        "It stopped.",
    ),
]


@pytest.mark.parametrize(("name", "header", "line", "level", "message"), DESCRIBED)
def test_a_header_names_the_columns(name: str, header: str, line: str, level: str | None, message: str) -> None:
    source, records = read("\n".join([header, *[line] * 5]))
    assert [layout.name for layout, _ in source.layouts] == [name]
    assert records.frame.select("time", "level", "message").rows() == [(AT, level, message)] * 5
    assert records.leading == header.count("\n") + 1


def test_fields_that_tell_what_happened_stand_behind_the_message() -> None:
    pairs = 'ts=2024-06-09T14:03:02Z event="request served" customer=7 path=/api/cart/7?x=1 method=PUT status=404 err='
    json = (
        '{"ts":"2024-06-09T14:03:02Z","msg":"request served","path":"/api/cart/7?x=1","method":"PUT","status":404,'
        '"user":{"id":7},"error":{"kind":"none"}}'
    )
    for line in (pairs, json):
        _, records = read(line)
        assert records.frame["message"].to_list() == ["request served PUT /api /cart /7 Not_Found"]
    _, records = read('{"msg":"it failed","path":"/var/log/x","reason":"disk full","exception":"E: no\\n  at x"}')
    assert records.frame["message"].to_list() == ["it failed reason=disk full exception=E: no"]


def test_the_alert_column_is_a_label_and_no_part_of_the_message() -> None:
    line = "{} 1717941782 2024.06.09 R02-M1 2024-06-09-14.03.02.675872 R02-M1 RAS KERNEL INFO parity error corrected"
    _, records = read("\n".join([line.format("-"), line.format("KERNDTLB")]))
    assert records.frame.select("time", "alert", "message").rows() == [
        (AT, False, "parity error corrected"),
        (AT, True, "parity error corrected"),
    ]


def test_lines_that_begin_no_record_go_with_the_one_before() -> None:
    text = (
        "\tat no.record.Yet(Here.java:1)\n\n"
        "2024-06-09 14:03:02,000 ERROR [main] a.B: it failed\n"
        "java.lang.IllegalStateException: no\n"
        "\tat a.B.c(B.java:7)\n"
        "   \n"
        "2024-06-09 14:03:03,000 INFO [main] a.B: on we go"
    )
    source, records = read(text)
    assert records.frame["line"].to_list() == [3, 7]
    assert (records.lines, records.blank, records.leading, records.continued) == (7, 2, 1, 2)
    texts = record_texts([Chunk(text, 1, None)], source, {3})
    assert texts == {3: text.split("\n", 2)[2].rsplit("\n", 2)[0]}


def test_two_layouts_in_one_file() -> None:
    first = "2024-06-09 14:03:02,000 INFO [main] a.B: hello"
    second = "Jun  9 14:03:02 web1 sshd[812]: session opened"
    source, records = read("\n".join([first] * 6 + [second] * 4))
    assert [layout.name for layout, _ in source.layouts] == ["log4j", "syslog"]
    assert records.frame["message"].to_list() == ["hello"] * 6 + ["session opened"] * 4
    assert records.frame["time"].unique().to_list() == [AT]


def test_container_logs_give_their_own_time_and_join_partial_lines() -> None:
    line = '{{"log":"{}","stream":"stdout","time":"2024-06-09T14:03:02.000000000Z"}}'
    text = "\n".join(
        line.format(log) for log in ("01:02:03.000 INFO one\\n", "01:02:03.000 INFO two", " goes on\\n", "  at x\\n")
    )
    source, records = read(text)
    assert source.container == "docker"
    assert records.frame.select("line", "time", "message").rows() == [(1, AT, "one"), (2, AT, "two")]
    assert records.continued == 2
    assert record_texts([Chunk(text, 1, None)], source, {2}) == {2: "01:02:03.000 INFO two goes on\n  at x"}

    cri = "2024-06-09T14:03:02.000000000Z stdout F level=info msg=ready"
    source, records = read("\n".join([cri] * 3))
    assert source.container == "cri"
    assert records.frame.select("time", "level", "message").row(0) == (AT, "INFO", "ready")


def test_a_broken_json_line_spoils_no_other() -> None:
    good = '{"time":"2024-06-09T14:03:02Z","level":"info","msg":"fine"}'
    _, records = read("\n".join([good, '{"time": broken}', good]))
    assert records.frame["message"].to_list()[::2] == ["fine", "fine"]


def test_a_given_layout() -> None:
    source, records = read(
        "2024-06-09 14:03:02 | INFO | (main) hello: there", layout="<time> | <level> | (<thread>) <message>"
    )
    assert source.layouts[0][0].name == "given"
    assert records.frame.select("time", "level", "message").rows() == [(AT, "INFO", "hello: there")]
    for wrong in ("<time> <level>", "<message> <message>", ""):
        with pytest.raises(UsageError, match="--layout"):
            layouts.from_pattern(wrong)


def test_lines_without_any_layout_are_messages() -> None:
    source, records = read("hello there\n  indented\nhello again")
    assert source.layouts[0][0] is layouts.PLAIN
    assert records.frame["message"].to_list() == ["hello there", "hello again"]
    assert records.frame["time"].null_count() == 2


def test_times_that_name_no_zone_are_of_the_given_one() -> None:
    _, records = read("2024-06-09 23:03:02,000 INFO [main] a.B: hello", zone="Asia/Seoul")
    assert records.frame["time"][0] == AT


def test_the_real_samples_are_recognised(shared_data: Path) -> None:
    expected = {
        "Apache": "apache-error", "BGL": "ras", "HDFS": "compact-date", "HPC": "state-change", "Hadoop": "log4j",
        "Linux": "syslog", "OpenStack": "openstack", "Thunderbird": "tagged-syslog", "Windows": "cbs",
        "Zookeeper": "zookeeper",
    }  # fmt: skip
    for system, name in expected.items():
        text = (shared_data / "loghub_2k" / system / f"{system}_2k.log").read_text().replace("\r\n", "\n").rstrip("\n")
        source, records = read(text)
        assert [layout.name for layout, _ in source.layouts] == [name]
        assert records.frame.height == 2000
        assert records.frame["time"].null_count() == 0


def test_a_partial_line_goes_on_in_the_next_chunk() -> None:
    line = '{{"log":"{}","stream":"stdout","time":"2024-06-09T14:03:02Z"}}'
    begins, goes_on, other = (
        line.format(log) for log in ("01:02:03.000 INFO two", " goes on\\n", "01:02:04.000 INFO x\\n")
    )
    source, _ = read("\n".join([begins, goes_on, other]))
    records = parse_chunk(Chunk(f"{goes_on}\n{other}", 2, begins), source)
    assert (records.leading, records.frame["line"].to_list()) == (1, [3])
    chunks = [Chunk(begins, 1, None), Chunk(f"{goes_on}\n{other}", 2, begins)]
    assert record_texts(chunks, source, {1}) == {1: "01:02:03.000 INFO two goes on"}


def test_requests_stand_before_the_vague_layout_of_the_other_lines() -> None:
    access = 'INFO:     1.2.3.4:5 - "GET /a HTTP/1.1" 200 OK'
    source, records = read("\n".join([access, "INFO:     Started.", "ERROR:    it failed"]))
    assert [layout.name for layout, _ in source.layouts] == ["uvicorn-access", "level"]
    assert records.frame["message"].to_list() == ["GET /a OK", "Started.", "it failed"]


FORMATS = [
    ("%d.%m.%Y %H:%M:%S", "09.06.2024 14:03:02"),
    ("%Y|%m|%d~%H~%M~%S", "2024|06|09~14~03~02"),
    ("%d/%m/%y %H:%M:%S,%f", "09/06/24 14:03:02,000"),
    ("%Y.%m.%d-%H.%M.%S:%f", "2024.06.09-14.03.02:000"),
    ("%b %d %I:%M:%S %p %Y", "Jun 09 02:03:02 PM 2024"),
    ("%Y%m%d_%H%M%S", "20240609_140302"),
]


@pytest.mark.parametrize(("form", "time"), FORMATS)
def test_a_user_says_how_times_are_written(form: str, time: str) -> None:
    source, records = read("\n".join([f"{time}  WARN it is slow"] * 3), layout=f"<time:{form}> <level> <message>")
    assert records.frame.select("time", "level", "message").rows() == [(AT, "WARN", "it is slow")] * 3
    assert not source.doubts
    (known,) = known_of([source])
    assert KnownLayout.from_dict(known.to_dict()) == known


@pytest.mark.parametrize("form", ["%Q", "%d.%m.%Y", "no directive"])
def test_a_format_that_makes_no_time_is_refused(form: str) -> None:
    with pytest.raises(UsageError, match="an hour among them"):
        layouts.from_pattern(f"<time:{form}> <message>")


def test_a_given_layout_that_fits_nothing_is_doubted() -> None:
    source, _ = read("one\ntwo\nthree", layout="<time> <message>")
    (doubt,) = source.doubts
    assert doubt.en == "--layout fits 0% of the lines; leave it out to have the layout recognised"


def test_a_level_shares_its_brackets_with_a_process_or_stands_behind_a_dotted_time() -> None:
    _, records = read("\n".join(f"[2024-06-09 14:03:02,000: {each}/Pool-7] done" for each in ("INFO", "ERROR") * 3))
    assert records.frame.select("time", "level", "message").rows()[:2] == [(AT, "INFO", "done"), (AT, "ERROR", "done")]
    _, records = read("\n".join(["[2024.06.09-14.03.02:000][  7]Net: lost"] * 3))
    assert records.frame["time"].to_list() == [AT] * 3


def test_seconds_far_behind_in_a_line_are_doubted_and_a_layout_settles_it() -> None:
    columns = " ".join(f"c{number}" for number in range(12))
    lines = "\n".join(f"{columns} {1717941782 + number} {1717941790 + number} ACCEPT" for number in range(8))
    (doubt,) = read(lines)[0].doubts
    assert "seconds since 1970" in doubt.en
    layout = " ".join(f"<c{number}>" for number in range(12)) + " <time> <end> <message>"
    source, records = read(lines, layout=layout)
    assert not source.doubts
    assert records.frame.select("time", "message").row(0) == (AT, "ACCEPT")
