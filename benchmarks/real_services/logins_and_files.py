"""Logins, directories and files: OpenSSH, slapd, FreeRADIUS, ProFTPD, Samba."""

# ruff: noqa: E501 (configuration files and the lines that clients send stay whole)

import contextlib
import crypt
import ftplib
import io
import shutil
import socket
from pathlib import Path

from recording import Recording, Service

USERS = ("ann", "ben", "cho", "dina", "emil", "fay")


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
    for step in rec.steps(30):
        if rec.fails_at(step, 30):
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


LOGINS_AND_FILES = {
    "freeradius": Service(freeradius, r"unknown client", "weekday month day time year : level: message", key="(request number)"),
    "proftpd": Service(proftpd, r"No space left|\" 452 |\" 552 ", "date time host program[process] address: ", key="process"),
    "samba": Service(samba, r"(?i)does not exist|chdir.*failed|BAD_NETWORK_NAME|canonicalize_connect_path", "[time, level] file:line(function), then the message"),
    "slapd": Service(slapd, r"MDB_MAP_FULL|err=80|internal error", "syslog, RFC 3164", key="conn"),
    "sshd": Service(sshd, r"bad ownership or modes", "syslog, RFC 3164", key="process"),
}  # fmt: skip
