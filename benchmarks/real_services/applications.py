"""Applications and what watches them: Gunicorn, Celery, PHP-FPM, Tomcat, Prometheus, Alertmanager."""

# ruff: noqa: E501 (configuration files and the lines that clients send stay whole)

import contextlib
import http.client
import json
import socket
import struct
import subprocess
import sys
import time
import urllib.parse
from datetime import UTC, datetime, timedelta
from pathlib import Path

from http_load import browse, start_backend
from recording import Recording, Service

SHOP = """
import logging, random, sqlite3, time
logging.basicConfig(filename={log!r}, level=logging.DEBUG,
                    format="%(asctime)s %(levelname)-7s %(process)d %(name)s: %(message)s")
shop, store = logging.getLogger("shop.views"), logging.getLogger("shop.store")
base = sqlite3.connect({base!r}, timeout=0.2, check_same_thread=False)

def application(environ, start_response):
    path = environ["PATH_INFO"]
    try:
        if path.startswith("/item/"):
            number = int(path.split("/")[2])
            row = base.execute("select price from items where id = ?", (number % 900,)).fetchone()
            store.debug("item %d read in %.1f ms", number, random.random() * 3)
            if row is None:
                shop.warning("item %d has no price", number)
        elif path.startswith("/api/"):
            with base:
                base.execute("insert into carts values (?, ?)", (path.split("/")[-1], time.time()))
            shop.info("cart %s saved with %d items", path.split("/")[-1], random.randint(1, 9))
        elif path == "/search":
            shop.info("search %r gave %d results", environ["QUERY_STRING"], random.randint(0, 200))
        elif path == "/report":
            time.sleep(0.1)
            shop.info("report made")
        elif path.startswith("/old"):
            start_response("404 Not Found", [("Content-Length", "0")])
            return [b""]
    except Exception:
        shop.exception("request %s %s failed", environ["REQUEST_METHOD"], path)
        start_response("500 Internal Server Error", [("Content-Length", "0")])
        return [b""]
    body = b"x" * (len(path) * 31 % 3000)
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""


def gunicorn(rec: Recording) -> None:
    """A WSGI shop with its own log and tracebacks; another program locks its SQLite database."""
    import sqlite3

    base = rec.folder("data") / "shop.db"
    with contextlib.closing(sqlite3.connect(base)) as link, link:
        link.execute("create table items (id integer primary key, price real)")
        link.execute("create table carts (id text, at real)")
        link.executemany("insert into items values (?, ?)", [(n, n * 1.1) for n in range(880)])
    rec.write("shop.py", SHOP.format(log=str(rec.logs / "app.log"), base=str(base)))
    rec.start("/usr/bin/python3", "/usr/bin/gunicorn", "-b", "127.0.0.1:8000", "-w", 2, "--threads", 4, "--access-logfile", rec.logs / "access.log",
              "--error-logfile", rec.logs / "error.log", "--log-level", "debug", "--chdir", rec.work, "shop:application")  # fmt: skip
    rec.wait_port(8000)
    lock = None
    for step in rec.steps(500):
        if rec.fails_at(step, 500):
            rec.fault("another program took an exclusive lock on the database and kept it")
            lock = sqlite3.connect(base, isolation_level=None)
            lock.execute("begin exclusive")
        if step < 350 or step % 6 == 0 or not rec.bad:
            browse(rec, 8000)
    if lock:
        lock.close()


TASKS = """
import random, time
from celery import Celery
from celery.utils.log import get_task_logger
app = Celery("tasks", broker="redis://127.0.0.1:6379/0", backend="redis://127.0.0.1:6379/1")
app.conf.broker_connection_retry_on_startup = True
log = get_task_logger("shop.tasks")

@app.task
def mail(order):
    log.info("mail for order %d sent to %s", order, random.choice(["ann", "ben", "cho"]))
    return order

@app.task(bind=True, max_retries=2)
def charge(self, order, amount):
    if random.random() < 0.02:
        log.warning("payment of order %d is slow, trying again", order)
        raise self.retry(countdown=0.2)
    log.info("order %d charged %.2f", order, amount)
    return {"order": order, "paid": amount}

@app.task
def stock(item):
    time.sleep(0.005)
    return 1 / (item % 997) if item else 0

@app.task
def thumbnail(name, width):
    log.debug("made %s in width %d", name, width)
"""


SENDER = """
import random, sys, time
sys.path.insert(0, ".")
from tasks import mail, charge, stock, thumbnail
random.seed(int(sys.argv[1]))
weights = [random.uniform(.5, 2) for _ in range(4)]
for n in range(int(sys.argv[2])):
    kind = random.choices(range(4), weights)[0]
    try:
        if kind == 0: mail.delay(n)
        elif kind == 1: charge.delay(n, n * 1.3)
        elif kind == 2: stock.delay(random.randint(1, 4000))
        else: thumbnail.delay(f"img{n}.png", random.choice([64, 128, 640]))
    except Exception:
        pass
    time.sleep(random.random() * float(sys.argv[3]))
"""


def celery(rec: Recording) -> None:
    """A worker with four kinds of tasks; its broker is killed, and comes back empty."""

    def broker():
        process = rec.start("redis-server", "--port", 6379, "--bind", "127.0.0.1", "--save", "", "--dir", rec.work)
        rec.wait_port(6379)
        return process

    server = broker()
    rec.write("tasks.py", TASKS)
    rec.write("send.py", SENDER)
    rec.start("/usr/bin/python3", "/usr/bin/celery", "-A", "tasks", "worker", "-l", "DEBUG", "-c", 2, "-E", "--without-gossip", "--without-mingle",
              output="worker.log")  # fmt: skip
    rec.wait(lambda: "ready." in (rec.logs / "worker.log").read_text(errors="replace"), "worker", 40)
    sender = rec.start("/usr/bin/python3", "send.py", rec.seed, 500, rec.seconds / 250)
    for step in rec.steps(20):
        if rec.fails_at(step, 20):
            rec.fault("the broker was killed; it came back after some seconds")
            rec.stop(server, hard=True)
        if rec.bad and step == 14:
            broker()
    with contextlib.suppress(subprocess.TimeoutExpired):
        sender.wait(30)
    time.sleep(1)


PAGE = """<?php
$path = $_SERVER["REQUEST_URI"];
$number = crc32($path) % 900;
if (strpos($path, "/search") === 0) { error_log("search for " . ($_GET["q"] ?? "") . " took " . rand(1, 90) . " ms"); }
if (strpos($path, "/item") === 0) { if ($number % 40 == 0) { trigger_error("item $number has no price", E_USER_WARNING); } echo str_repeat("i", $number); }
if (strpos($path, "/api") === 0) { error_log("cart " . basename($path) . " saved"); }
if (strpos($path, "/report") === 0) { usleep(200000); echo $undefined; }
if (strpos($path, "/old") === 0) { http_response_code(404); }
if (file_exists("WORK/slow") && strpos($path, "/item") === 0) { sleep(4); }
echo "ok";
"""


def php_fpm(rec: Recording) -> None:
    """A pool of PHP workers behind FastCGI; a part of the pages hangs, so that the pool runs out of workers."""
    log, access, errors = (rec.open_log(name, "www-data") for name in ("fpm.log", "access.log", "php.log"))
    script = rec.write("index.php", PAGE.replace("WORK", str(rec.work)))
    conf = rec.write(
        "fpm.conf",
        f"""
[global]
error_log = {log}
log_level = debug
daemonize = no
pid = {rec.work}/fpm.pid
[www]
user = www-data
group = www-data
listen = 127.0.0.1:9000
pm = dynamic
pm.max_children = 8
pm.start_servers = 2
pm.min_spare_servers = 1
pm.max_spare_servers = 3
pm.max_requests = 100
request_terminate_timeout = 2s
catch_workers_output = yes
access.log = {access}
access.format = "%R - %u %t \\"%m %r%Q%q\\" %s %{{mili}}d %{{kilo}}M %C%%"
php_admin_value[error_log] = {errors}
php_admin_flag[log_errors] = on
""",
    )
    rec.start("php-fpm8.2", "-F", "-y", conf)
    rec.wait_port(9000)
    from http_load import PATHS, path_of

    held = []
    for step in rec.steps(500):
        if rec.fails_at(step, 500):
            rec.fault("item pages hang for four seconds each")
            (rec.work / "slow").touch()
        with contextlib.suppress(OSError):
            link = socket.create_connection(("127.0.0.1", 9000), timeout=1)
            kind = rec.pick(PATHS)
            link.sendall(fastcgi(str(script), path_of(rec, kind)))
            if rec.bad and step >= 250 and kind in ("item", "gone"):
                held.append(link)
                continue
            if kind != "gone":
                link.settimeout(1)
                while link.recv(65536):
                    pass
            link.close()
    time.sleep(3)


def fastcgi(script: str, path: str) -> bytes:
    """A FastCGI request for a script (FastCGI 1.0, one request per connection)."""
    fields = {"SCRIPT_FILENAME": script, "REQUEST_METHOD": "GET", "REQUEST_URI": path, "SCRIPT_NAME": path.split("?")[0],
              "QUERY_STRING": path.partition("?")[2], "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.9"}  # fmt: skip
    body = b"".join(bytes([len(name), len(value)]) + name.encode() + value.encode() for name, value in fields.items())

    def frame(kind: int, content: bytes) -> bytes:
        return struct.pack(">BBHHBB", 1, kind, 1, len(content), 0, 0) + content

    return frame(1, struct.pack(">HB5x", 1, 0)) + frame(4, body) + frame(4, b"") + frame(5, b"")


JSP = """<%@ page session="true" %><%!
static java.util.logging.Logger log = java.util.logging.Logger.getLogger("shop.Items");
static java.util.List<byte[]> kept = new java.util.ArrayList<>();
%><% String path = String.valueOf(request.getQueryString()); int n = Math.abs(path.hashCode()) % 500;
if (n % 5 == 0) log.info("item " + n + " shown to session " + session.getId());
if (n % 7 == 0) log.info("search for " + path + " gave " + n + " results");
if (n % 83 == 0) log.warning("price of item " + n + " is older than a day");
if (new java.io.File("WORK/broken").exists() && n % 3 == 0) {
  java.nio.file.Files.readAllBytes(java.nio.file.Path.of("WORK/prices/" + (n % 9) + ".txt")); }
%>ok <%= n %>"""


def tomcat(rec: Recording) -> None:
    """A JSP page with its own log lines and stack traces; its data files are removed."""
    base = rec.folder("base")
    for name in ("conf", "temp", "work", "webapps/ROOT"):
        rec.folder(f"base/{name}")
    (rec.folder("prices") / "0.txt").write_text("1")
    rec.write("base/webapps/ROOT/index.jsp", JSP.replace("WORK", str(rec.work)))
    rec.write(
        "base/conf/server.xml",
        f"""<Server port="-1"><Service name="Catalina">
<Connector port="8080" address="127.0.0.1" protocol="HTTP/1.1" maxThreads="8"/>
<Engine name="Catalina" defaultHost="localhost"><Host name="localhost" appBase="webapps" autoDeploy="false">
<Valve className="org.apache.catalina.valves.AccessLogValve" directory="{rec.logs}" prefix="access" suffix=".log"
 rotatable="false" buffered="false" pattern="%h %l %u %t &quot;%r&quot; %s %b %D"/></Host></Engine></Service></Server>""",
    )
    shutil_copy("/etc/tomcat10/web.xml", base / "conf/web.xml")
    rec.write("base/conf/logging.properties", "handlers = java.util.logging.ConsoleHandler\n.level = INFO\n"
              "java.util.logging.ConsoleHandler.formatter = org.apache.juli.OneLineFormatter\n")  # fmt: skip
    home = "/usr/share/tomcat10"
    rec.start("java", "-Xmx128m", "-XX:+UseSerialGC", "-cp", f"{home}/bin/bootstrap.jar:{home}/bin/tomcat-juli.jar",
              f"-Dcatalina.home={home}", f"-Dcatalina.base={base}", f"-Djava.io.tmpdir={base}/temp",
              "-Djava.util.logging.manager=org.apache.juli.ClassLoaderLogManager",
              f"-Djava.util.logging.config.file={base}/conf/logging.properties",
              "org.apache.catalina.startup.Bootstrap", "start", output="catalina.log")  # fmt: skip
    rec.wait_port(8080, seconds=60)
    for step in rec.steps(600):
        if rec.fails_at(step, 600):
            rec.fault("the files that the page reads were removed")
            (rec.work / "broken").touch()
        link = http.client.HTTPConnection("127.0.0.1", 8080, timeout=20)
        with contextlib.suppress(OSError, http.client.HTTPException):
            path = (
                rec.random.choice(("/", "/index.jsp", "/index.jsp")) if rec.random.random() < 0.97 else "/favicon.ico"
            )
            link.request("GET", f"{path}?q={rec.random.randint(1, 3000)}")
            link.getresponse().read()
        link.close()


def shutil_copy(source: str, target: Path) -> None:
    """Copy a text file."""
    target.write_text(Path(source).read_text())


def prometheus(rec: Recording) -> None:
    """A server that scrapes exporters and logs queries; the receiver of its remote writes dies."""
    rec.seconds = max(rec.seconds, 12)  # samples are sent some seconds after they were taken
    receiver = start_backend(rec, 9001)
    for port in range(9101, 9105):
        start_metrics(rec, port)
    rec.write("rules.yml", "groups:\n- name: shop\n  interval: 1s\n  rules:\n  - record: job:up:sum\n    expr: sum(up) by (job)\n"
              "  - alert: Down\n    expr: up == 0\n    for: 2s\n")  # fmt: skip
    conf = rec.write("prometheus.yml", f"global:\n  query_log_file: {rec.logs}/queries.log\n  scrape_interval: 1s\n  evaluation_interval: 1s\nrule_files: [rules.yml]\n"
                     "remote_write:\n- url: http://127.0.0.1:9001/write\n  queue_config: {max_shards: 2, batch_send_deadline: 500ms}\n"
        "alerting:\n  alertmanagers:\n  - static_configs:\n    - targets: ['127.0.0.1:9093']\n"
                     "scrape_configs:\n" + "".join(f"- job_name: app{port}\n  static_configs:\n  - targets: ['127.0.0.1:{port}']\n" for port in range(9101, 9105)))  # fmt: skip
    server = rec.start("prometheus", f"--config.file={conf}", f"--storage.tsdb.path={rec.work}/data", "--web.listen-address=127.0.0.1:9090",
                       "--log.level=debug", "--storage.tsdb.min-block-duration=4s", "--storage.tsdb.max-block-duration=20s",
                       output="prometheus.log", environment={"GOMAXPROCS": "1"})  # fmt: skip
    rec.start(sys.executable, Path(__file__).with_name("http_load.py"), 9093)
    rec.wait_port(9090)
    for step in rec.steps(400):
        if rec.fails_at(step, 400):
            rec.fault("the receiver of the remote writes was killed")
            rec.stop(receiver, hard=True)
        if step % 40 == 20:
            server.send_signal(1)
        query = rec.random.choice(("up", "sum(rate(requests_total[5s]))", "nothing(", "job:up:sum"))
        link = http.client.HTTPConnection("127.0.0.1", 9090, timeout=3)
        with contextlib.suppress(OSError, http.client.HTTPException):
            link.request("GET", f"/api/v1/query?query={urllib.parse.quote(query)}")
            link.getresponse().read()
        link.close()


EXPORTER = """
import sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer
class Metrics(BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"# TYPE requests_total counter\\nrequests_total %d\\n" % int(time.time() * 7 % 1e6)
        self.send_response(200); self.send_header("Content-Type", "text/plain"); self.end_headers(); self.wfile.write(body)
    def log_message(self, *a): pass
HTTPServer(("127.0.0.1", int(sys.argv[1])), Metrics).serve_forever()
"""


def start_metrics(rec: Recording, port: int):
    """Start an exporter."""
    process = rec.start(sys.executable, rec.write("exporter.py", EXPORTER), port)
    rec.wait_port(port)
    return process


def alertmanager(rec: Recording) -> None:
    """Alerts that come and end, sent to a web hook, at level debug; the web hook goes away."""
    hook = start_backend(rec, 9001)
    conf = rec.write("am.yml", "route:\n  receiver: hook\n  group_by: [service]\n  group_wait: 200ms\n  group_interval: 1s\n  repeat_interval: 5s\n"
                     "receivers:\n- name: hook\n  webhook_configs:\n  - url: http://127.0.0.1:9001/hook\n")  # fmt: skip
    rec.start("prometheus-alertmanager", f"--config.file={conf}", f"--storage.path={rec.work}/data", "--web.listen-address=127.0.0.1:9093",
              "--cluster.listen-address=", "--log.level=debug", output="alertmanager.log")  # fmt: skip
    rec.wait_port(9093)
    for step in rec.steps(220):
        if rec.fails_at(step, 220):
            rec.fault("the receiver of the web hook was killed")
            rec.stop(hook, hard=True)
        now = datetime.now(UTC)
        alerts = [{
            "labels": {"alertname": rec.random.choice(("Down", "Slow", "DiskFull", "Errors")), "service": rec.random.choice(("shop", "mail", "search", "login")), "instance": f"i-{rec.random.randint(1, 30)}"},
            "annotations": {"summary": f"at {step}"}, "startsAt": now.isoformat(),
            "endsAt": (now + timedelta(seconds=rec.random.choice((-1, 2, 4)))).isoformat(),
        } for _ in range(rec.random.randint(1, 4))]  # fmt: skip
        path, body = "/api/v2/alerts", json.dumps(alerts)
        if rec.random.random() < 0.04:
            path = "/api/v2/silences"
            body = json.dumps({"matchers": [{"name": "instance", "value": f"i-{step % 30}", "isRegex": False}], "startsAt": now.isoformat(),
                               "endsAt": (now + timedelta(seconds=3)).isoformat(), "createdBy": "ann", "comment": "work"})  # fmt: skip
        link = http.client.HTTPConnection("127.0.0.1", 9093, timeout=3)
        with contextlib.suppress(OSError, http.client.HTTPException):
            link.request(
                "POST", path, body if rec.random.random() > 0.02 else "[{", {"Content-Type": "application/json"}
            )
            link.getresponse().read()
        link.close()


APPLICATIONS = {
    "celery": Service(celery, r"(?i)connection.*(lost|refused|reset|closed)|Cannot connect|Trying again in", "[time: LEVEL/process] message", key="task id"),
    "gunicorn": Service(gunicorn, r"database is locked|WORKER TIMEOUT|\" 500 ", "log of Python's logging, access log, error log"),
    "php_fpm": Service(php_fpm, r"max_children|execution timed out|seems busy|WARNING.*exited on signal", "[time] LEVEL: message; access log; php's [time zone] log"),
    "tomcat": Service(tomcat, r"NoSuchFileException|\" 500 |SEVERE", "OneLineFormatter; access log"),
    "alertmanager": Service(alertmanager, r"Notify.*failed|connection refused", "logfmt"),
    "prometheus": Service(prometheus, r"Failed to send batch|connection refused", "logfmt"),
}  # fmt: skip
