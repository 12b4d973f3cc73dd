"""Names: BIND, dnsmasq, Unbound."""

# ruff: noqa: E501 (configuration files and the lines that clients send stay whole)

import contextlib
import socket
import struct

from recording import Recording, Service

HOSTS = ("www", "mail", "api", "db", "img", "cdn", "shop", "auth", "git", "files", "vpn", "ns1")


def ask(rec: Recording, port: int, name: str, kind: int = 1, wait: float = 0.3) -> None:
    """One DNS question over UDP from one of many clients; a late answer is not waited for."""
    question = struct.pack(">HHHHHH", rec.random.getrandbits(16), 0x0100, 1, 0, 0, 0)
    question += (
        b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
        + b"\0"
        + struct.pack(">HH", kind, 1)
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link, contextlib.suppress(OSError):
        link.bind((f"127.0.1.{rec.random.randint(2, 40)}", 0))
        link.settimeout(wait)
        link.sendto(question, ("127.0.0.1", port))
        link.recv(2000)


def questions(rec: Recording, port: int, count: int, wait: float = 0.3) -> None:
    """A few questions of an office's mix."""
    for _ in range(count):
        kind = rec.pick({"a": 6, "aaaa": 3, "mx": 0.5, "missing": 0.5, "ptr": 0.5, "outside": 2, "txt": 0.3})
        host = rec.random.choice(HOSTS)
        name = {"missing": f"{host}{rec.random.randint(1, 99)}.shop.test", "ptr": f"{rec.random.randint(1, 30)}.0.0.127.in-addr.arpa",
                "outside": f"{host}.partner{rec.random.randint(1, 4)}.test"}.get(kind, f"{host}.shop.test")  # fmt: skip
        ask(rec, port, name, {"aaaa": 28, "mx": 15, "ptr": 12, "txt": 16}.get(kind, 1), wait)


def zone(domain: str) -> str:
    """A zone file."""
    hosts = "".join(
        f"{host} IN A 127.0.5.{number + 1}\n{host} IN AAAA ::{number + 1}\n" for number, host in enumerate(HOSTS)
    )
    return f'$TTL 2\n@ IN SOA ns1.{domain}. admin.{domain}. 1 60 60 60 2\n@ IN NS ns1\n@ IN MX 10 mail\n@ IN TXT "v=1"\n{hosts}'


def bind9(rec: Recording) -> None:
    """An authoritative server with its query log; a zone is edited wrongly and loaded again."""
    run = rec.folder("run", "bind")
    domains = ["shop.test", *(f"partner{number}.test" for number in range(1, 5))]
    zones = ""
    for domain in domains:
        rec.write(f"run/{domain}.zone", zone(domain))
        zones += f'zone "{domain}" {{ type primary; file "{run}/{domain}.zone"; }};\n'
    rec.logs.chmod(0o777)
    log = rec.open_log("named.log", "bind")
    conf = rec.write(
        "run/named.conf",
        f"""
options {{ directory "{run}"; listen-on port 5300 {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion no; pid-file "{run}/named.pid";
  session-keyfile "{run}/session.key"; dnssec-validation no; }};
controls {{ }};
logging {{ channel all {{ file "{log}"; severity debug 1; print-time yes; print-category yes; print-severity yes; }};
  category default {{ all; }}; category queries {{ all; }}; category query-errors {{ all; }}; }};
{zones}
""",
    )
    server = rec.start("named", "-f", "-u", "bind", "-c", conf, "-n", 1)
    rec.wait_port(5300)
    for step in rec.steps(400):
        if rec.fails_at(step, 400):
            rec.fault("a zone file got a syntax error and was loaded again (SIGHUP)")
            rec.write("run/shop.test.zone", zone("shop.test").replace("mail IN A", "mail IN AA"))
            server.send_signal(1)
        if step % 90 == 40:
            rec.write("run/partner2.test.zone", zone("partner2.test").replace(" 1 60", f" {step} 60"))
            server.send_signal(1)
        questions(rec, 5300, rec.random.randint(2, 8))


def upstream(rec: Recording, port: int = 5301):
    """An authoritative server for the forwarders below."""
    conf = rec.write("upstream.conf", "\n".join([
        "no-hosts", "no-resolv", "listen-address=127.0.0.1", f"port={port}", "bind-interfaces", "local=/test/", "local-ttl=1",
        *(f"address=/{host}.{domain}/127.0.5.{number + 1}" for number, host in enumerate(HOSTS)
          for domain in ("shop.test", "partner1.test", "partner2.test", "partner3.test", "partner4.test")),
    ]))  # fmt: skip
    process = rec.start("dnsmasq", "-k", "-C", conf, "-u", "root", "-x", rec.work / "upstream.pid")
    rec.wait_port(port)
    return process


def dnsmasq(rec: Recording) -> None:
    """An office's forwarder with its query log; the server it forwards to dies."""
    beyond = upstream(rec)
    hosts = rec.write("hosts", "\n".join(f"127.0.0.{n} pc{n}.office.test" for n in range(1, 30)))
    conf = rec.write("dnsmasq.conf", "\n".join([
        "no-resolv", "server=127.0.0.1#5301", "listen-address=127.0.0.1", "port=5300", "bind-interfaces", "log-queries=extra",
        f"log-facility={rec.open_log('dnsmasq.log')}", f"addn-hosts={hosts}", "no-hosts", "dns-forward-max=40", "cache-size=20",
    ]))  # fmt: skip
    rec.start("dnsmasq", "-k", "-C", conf, "-u", "root", "-x", rec.work / "d.pid")
    rec.wait_port(5300)
    for step in rec.steps(300):
        if rec.fails_at(step, 300):
            rec.fault("the upstream server stopped answering (SIGSTOP)")
            beyond.send_signal(19)
        questions(rec, 5300, rec.random.randint(2, 8), 0.02)


def unbound(rec: Recording) -> None:
    """A resolver with queries and answers in its log; its upstream dies."""
    beyond = upstream(rec)
    conf = rec.write(
        "unbound.conf",
        f"""
server:
  interface: 127.0.0.1@5300
  username: ""
  chroot: ""
  directory: "{rec.work}"
  pidfile: "{rec.work}/u.pid"
  logfile: "{rec.open_log("unbound.log")}"
  use-syslog: no
  log-time-ascii: yes
  log-queries: yes
  log-replies: yes
  log-servfail: yes
  log-tag-queryreply: yes
  verbosity: 1
  do-ip6: no
  do-not-query-localhost: no
  access-control: 127.0.0.0/8 allow
  cache-max-ttl: 1
  cache-max-negative-ttl: 1
  local-zone: test. nodefault
  local-zone: 127.in-addr.arpa. nodefault
  statistics-interval: 3
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@5301
""",
    )
    rec.start("unbound", "-d", "-p", "-c", conf)
    rec.wait_port(5300)
    for step in rec.steps(300):
        if rec.fails_at(step, 300):
            rec.fault("the upstream server was killed")
            rec.stop(beyond, hard=True)
        questions(rec, 5300, rec.random.randint(2, 6), 0.05)


NAMES = {
    "bind9": Service(bind9, r"not loaded due to errors|unknown RR type|master file .* unknown class", "day-month-year time category: level: message", key="client @address"),
    "dnsmasq": Service(dnsmasq, r"Maximum number of concurrent|config error is REFUSED", "syslog-like: month day time process: ", key="query number"),
    "unbound": Service(unbound, r"\b(?:A|AAAA|MX|TXT) IN>?:? SERVFAIL|SERVFAIL <\S+ (?:A|AAAA|MX|TXT) IN>", "month day time name[process:thread] level: "),
}  # fmt: skip
