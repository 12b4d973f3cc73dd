"""Names, logins, directories and files: BIND, dnsmasq, Unbound, OpenSSH, slapd, FreeRADIUS, ProFTPD, Samba."""

# ruff: noqa: E501 (configuration files and the lines that clients send stay whole)

import contextlib
import ftplib
import io
import shutil
import socket
import struct
from pathlib import Path

from recording import Recording, Service

HOSTS = ("www", "mail", "api", "db", "img", "cdn", "shop", "auth", "git", "files", "vpn", "ns1")
USERS = ("ann", "ben", "cho", "dina", "emil", "fay")


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


def sshd(rec: Recording) -> None:
    """Log-ins by key, as syslog keeps them; the folder of the keys becomes writable for all."""
    rec.syslog(f"auth,authpriv.* {rec.open_log('auth.log')}")
    keys = rec.folder("keys")
    Path("/run/sshd").mkdir(exist_ok=True)
    rec.call("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", rec.work / "host")
    users = ("games", "news", "backup", "list")  # accounts that every Debian has
    for user in (*users, "stranger"):
        rec.call("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", rec.work / f"id-{user}")
        shutil.copy(rec.work / f"id-{user}.pub", keys / user)
        (keys / user).chmod(0o644)
    accounts = Path("/etc/passwd").read_text()
    rec.write(
        "passwd", "\n".join(line.replace("/usr/sbin/nologin", "/bin/sh") for line in accounts.splitlines()) + "\n"
    )
    rec.call("mount", "--bind", rec.work / "passwd", "/etc/passwd")
    conf = rec.write(
        "sshd_config",
        f"""
Port 2200
ListenAddress 127.0.0.1
HostKey {rec.work}/host
PidFile {rec.work}/sshd.pid
AuthorizedKeysFile {keys}/%u
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes yes
LogLevel VERBOSE
UseDNS no
MaxAuthTries 4
Subsystem sftp internal-sftp
""",
    )
    rec.start("/usr/sbin/sshd", "-D", "-f", conf)
    rec.wait_port(2200)
    options = ("-p", "2200", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
               "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes")  # fmt: skip
    for step in rec.steps(45):
        if rec.fails_at(step, 45):
            rec.fault("chmod 777 on the folder of the public keys")
            keys.chmod(0o777)
        user = rec.random.choice(users)
        kind = rec.pick({"run": 6, "sftp": 1, "key": 0.2, "name": 0.3, "scan": 0.3})
        name, key = ("oracle" if kind == "name" else user), ("stranger" if kind == "key" else user)
        if kind == "scan":
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", 2200), timeout=1) as link:
                link.recv(100)
        elif kind == "sftp":
            rec.call(
                "sftp",
                "-P",
                "2200",
                *options[2:],
                "-i",
                rec.work / f"id-{key}",
                f"{name}@127.0.0.1",
                text="pwd\nls /\n",
            )
        else:
            rec.call(
                "ssh",
                *options,
                "-b",
                f"127.0.0.{rec.random.randint(2, 30)}",
                "-i",
                rec.work / f"id-{key}",
                f"{name}@127.0.0.1",
                "true",
            )


def slapd(rec: Recording) -> None:
    """A directory at log level stats, through syslog; its database reaches its size limit."""
    rec.syslog(f"local4.* {rec.open_log('slapd.log')}")
    data = rec.folder("data", "openldap")
    conf = rec.write(
        "slapd.conf",
        f"""
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {data}/slapd.pid
argsfile {data}/slapd.args
loglevel stats
sizelimit 50
database mdb
maxsize {400_000 if rec.bad else 50_000_000}
suffix "dc=shop,dc=test"
rootdn "cn=admin,dc=shop,dc=test"
rootpw secret
directory {data}
index uid eq
access to attrs=userPassword by anonymous auth by self write by * none
access to * by * read
""",
    )
    rec.start("slapd", "-d", "0", "-f", conf, "-h", "ldap://127.0.0.1:3890", "-u", "openldap")
    rec.wait_port(3890)
    base, admin = "dc=shop,dc=test", ("-D", "cn=admin,dc=shop,dc=test", "-w", "secret")
    link = ("-x", "-H", "ldap://127.0.0.1:3890")
    people = "".join(person(number) for number in range(20))
    rec.call(
        "ldapadd",
        *link,
        *admin,
        text=f"dn: {base}\nobjectClass: dcObject\nobjectClass: organization\no: shop\ndc: shop\n\n{people}",
    )
    for step in rec.steps(200):
        if rec.fails_at(step, 200):
            rec.fault("many large entries are added, beyond the size limit of the database")
        user = f"uid=u{rec.random.randint(0, 19)},{base}"
        match rec.pick(
            {"search": 6, "list": 1, "bind": 2, "wrong": 0.3, "missing": 0.4, "add": 1, "change": 1.5, "compare": 0.3}
        ):
            case "search":
                rec.call("ldapsearch", *link, "-b", base, f"(uid=u{rec.random.randint(0, 25)})", "mail", "cn")
            case "list":
                rec.call("ldapsearch", *link, "-b", base, "(objectClass=inetOrgPerson)")
            case "bind":
                rec.call("ldapwhoami", *link, "-D", user, "-w", "pw")
            case "wrong":
                rec.call("ldapwhoami", *link, "-D", user, "-w", "guess")
            case "missing":
                rec.call("ldapsearch", *link, "-b", f"ou=old,{base}", "(cn=*)")
            case "compare":
                rec.call("ldapcompare", *link, user, "sn:u1")
            case "add":
                rec.call("ldapadd", *link, *admin, text=person(step + 100))
            case _:
                rec.call(
                    "ldapmodify",
                    *link,
                    *admin,
                    text=f"dn: {user}\nchangetype: modify\nreplace: description\ndescription: at {step}\n",
                )
        if rec.bad and step >= 100:
            rec.call("ldapadd", *link, *admin, text=person(step + 1000, "d" * 20_000))


def person(number: int, note: str = "someone") -> str:
    """An LDIF entry."""
    return (f"dn: uid=u{number},dc=shop,dc=test\nobjectClass: inetOrgPerson\nuid: u{number}\ncn: user {number}\nsn: u{number}\n"
            f"mail: u{number}@shop.test\nuserPassword: pw\ndescription: {note}\n\n")  # fmt: skip


def freeradius(rec: Recording) -> None:
    """Log-ins of a wireless network; access points get addresses that the server does not know."""
    log = rec.open_log("radius.log", "freerad")
    conf = rec.folder("raddb")
    shutil.copytree("/etc/freeradius/3.0", conf, dirs_exist_ok=True, symlinks=True)
    rec.call("chown", "-R", "freerad:freerad", conf)
    users = "".join(f'{user} Cleartext-Password := "pw-{user}"\n  Reply-Message := "hello"\n' for user in USERS)
    (conf / "mods-config/files/authorize").write_text(users)
    (conf / "clients.conf").write_text(
        "".join(
            f"client ap{n} {{\n ipaddr = 127.0.0.{n}\n secret = point{n}\n require_message_authenticator = no\n}}\n"
            for n in range(2, 9)
        )
    )
    text = (conf / "radiusd.conf").read_text().replace("auth = no", "auth = yes")
    (conf / "radiusd.conf").write_text(text)
    for name in ("eap", "inner-tunnel", "cache_eap"):
        for folder in ("mods-enabled", "sites-enabled"):
            (conf / folder / name).unlink(missing_ok=True)
    (conf / "sites-enabled/default").unlink(missing_ok=True)
    (conf / "sites-enabled/default").write_text("""
server default {
  listen {
    type = auth
    ipaddr = 127.0.0.1
    port = 1812
  }
  authorize {
    files
    pap
  }
  authenticate {
    Auth-Type PAP {
      pap
    }
  }
}
""")
    rec.start("freeradius", "-f", "-d", conf, "-l", log)
    rec.wait(lambda: "Ready to process" in log.read_text(), "freeradius")
    for step in rec.steps(60):
        if rec.fails_at(step, 60):
            rec.fault("three access points got addresses that the server does not know")
        point, requests = rec.random.randint(2, 8), ""
        address = f"127.0.0.{point + 20 * (rec.bad and step >= 30 and point < 5)}"
        for number in range(rec.random.randint(5, 30)):
            user = rec.random.choice(USERS)
            kind = rec.pick({"right": 6, "wrong": 0.5, "stranger": 0.3})
            requests += (
                f'User-Name = "{f"guest{step}" if kind == "stranger" else user}", '
                f'User-Password = "{"guess" if kind == "wrong" else f"pw-{user}"}", NAS-Port = {number}, '
                f'Calling-Station-Id = "02-00-00-00-{number:02d}-{point:02d}", Packet-Src-IP-Address = {address}\n\n'
            )
        asked = ("-p", 4, "-t", "0.3", "-r", "1", "127.0.0.1:1812", "auth", f"point{point}")
        rec.call("radclient", *asked, text=requests, seconds=5)


def proftpd(rec: Recording) -> None:
    """Uploads and downloads with a log of commands and one of transfers; the disk of the uploads fills up."""
    disk = rec.small_disk("files", 4 if rec.bad else 64)
    for user in USERS:
        (disk / user).mkdir()
        (disk / user).chmod(0o777)
    import crypt

    passwd = rec.write(
        "ftp.passwd",
        "".join(f"{user}:{crypt.crypt('pw-' + user)}:65534:65534::{disk}/{user}:/bin/sh\n" for user in USERS),
        0o600,
    )
    conf = rec.write(
        "proftpd.conf",
        f"""
ServerName "files"
ServerType standalone
DefaultAddress 127.0.0.1
Port 2121
User nobody
Group nogroup
UseIPv6 off
UseReverseDNS off
RequireValidShell off
AuthOrder mod_auth_file.c
AuthUserFile {passwd}
WtmpLog off
PidFile {rec.work}/p.pid
ScoreboardFile {rec.work}/score
DelayTable none
DebugLevel 2
TransferLog {rec.logs}/xferlog
LogFormat commands "%h %l %u %t \\"%r\\" %s %b"
ExtendedLog {rec.logs}/commands.log ALL commands
MaxLoginAttempts 2
AllowOverwrite on
""",
    )
    rec.start("proftpd", "-n", "-c", conf, output="proftpd.log")
    rec.wait_port(2121)
    for step in rec.steps(150):
        if rec.fails_at(step, 150):
            rec.fault("the disk of the uploads was filled up")
            rec.fill(disk)
        user, kind = (
            rec.random.choice(USERS),
            rec.pick({"put": 4, "get": 4, "list": 2, "wrong": 0.3, "drop": 0.3, "delete": 1, "folder": 0.3}),
        )
        try:
            client = ftplib.FTP()
            client.connect("127.0.0.1", 2121, timeout=4, source_address=(f"127.0.0.{rec.random.randint(2, 30)}", 0))
            client.login(user, "guess" if kind == "wrong" else f"pw-{user}")
            name = f"report-{rec.random.randint(1, 40)}.csv"
            if kind == "drop":
                client.sock.close()
                continue
            if kind in ("put", "delete", "folder"):
                client.storbinary(f"STOR {name}", io.BytesIO(b"d" * rec.random.randint(10, 20_000)))
            if kind == "get":
                client.retrbinary(f"RETR {name}", len)
            if kind == "delete":
                client.delete(name)
            if kind == "folder":
                client.mkd(f"old{step}")
            client.nlst()
            client.quit()
        except (ftplib.Error, OSError, EOFError):
            continue


def samba(rec: Recording) -> None:
    """Shares of an office, log lines in two parts; the folder of one share is taken away."""
    for folder in ("private", "lock", "state", "cache", "pid", "ncalrpc"):
        rec.folder(folder)
    shares = ""
    for name in ("public", "sales", "plans"):
        rec.folder(f"share/{name}").chmod(0o777)
        shares += f"[{name}]\npath = {rec.work}/share/{name}\nread only = no\nguest ok = yes\n"
    log = rec.open_log("smbd.log")
    conf = rec.write(
        "smb.conf",
        f"""
[global]
workgroup = OFFICE
server role = standalone server
map to guest = Bad User
guest account = nobody
interfaces = lo
bind interfaces only = yes
smb ports = 4450
log file = {log}
log level = 2
max log size = 0
debug hires timestamp = yes
private dir = {rec.work}/private
lock directory = {rec.work}/lock
state directory = {rec.work}/state
cache directory = {rec.work}/cache
pid directory = {rec.work}/pid
ncalrpc dir = {rec.work}/ncalrpc
disable spoolss = yes
load printers = no
{shares}""",
    )
    rec.start("smbd", "-F", "--no-process-group", "-s", conf)
    rec.wait_port(4450)
    for step in rec.steps(110):
        if rec.fails_at(step, 110):
            rec.fault("the folder of one share was renamed on the server")
            (rec.work / "share/sales").rename(rec.work / "share/sales.old")
        share = rec.random.choice(("public", "sales", "plans"))
        name = f"file{rec.random.randint(1, 30)}.txt"
        commands = {
            "put": f"put /etc/hostname {name}", "get": f"get {name} /dev/null", "list": "ls", "folder": f"mkdir d{step}",
            "delete": f"put /etc/hostname {name}; del {name}", "missing": "get nothing.doc /dev/null",
        }[rec.pick({"put": 4, "get": 3, "list": 3, "folder": 0.5, "delete": 1, "missing": 0.4})]  # fmt: skip
        share = "old" if rec.random.random() < 0.02 else share
        rec.call(
            "smbclient",
            "-s",
            conf,
            f"//127.0.0.1/{share}",
            "-p",
            "4450",
            "-N",
            "-U",
            rec.random.choice(USERS) + "%",
            "-c",
            commands,
            seconds=5,
        )


NAMES_AND_FILES = {
    "bind9": Service(bind9, r"not loaded due to errors|unknown RR type|master file .* unknown class", "day-month-year time category: level: message", key="client @address"),
    "dnsmasq": Service(dnsmasq, r"Maximum number of concurrent|config error is REFUSED", "syslog-like: month day time process: ", key="query number"),
    "freeradius": Service(freeradius, r"unknown client", "weekday month day time year : level: message", key="(request number)"),
    "proftpd": Service(proftpd, r"No space left|\" 452 |\" 552 ", "date time host program[process] address: ", key="process"),
    "samba": Service(samba, r"(?i)does not exist|chdir.*failed|BAD_NETWORK_NAME|canonicalize_connect_path", "[time, level] file:line(function), then the message"),
    "slapd": Service(slapd, r"MDB_MAP_FULL|err=80|internal error", "syslog, RFC 3164", key="conn"),
    "sshd": Service(sshd, r"bad ownership or modes", "syslog, RFC 3164", key="process"),
    "unbound": Service(unbound, r"\b(?:A|AAAA|MX|TXT) IN>?:? SERVFAIL|SERVFAIL <\S+ (?:A|AAAA|MX|TXT) IN>", "month day time name[process:thread] level: "),
}  # fmt: skip
