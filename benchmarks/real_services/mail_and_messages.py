"""Mail, message brokers and chat: Postfix, Dovecot, Mosquitto, NATS, RabbitMQ, ngIRCd."""

# ruff: noqa: E501 (configuration files and the lines that clients send stay whole)

import contextlib
import imaplib
import os
import shutil
import smtplib
import socket
import threading
import time
from pathlib import Path

from recording import Recording, Service

USERS = ("ann", "ben", "cho", "dina", "emil", "fay", "gus", "hana")


def postfix(rec: Recording) -> None:
    """A relay; the next host that it hands mail to goes away."""
    queue = rec.folder("spool")
    data = rec.folder("data", "postfix")
    log = rec.open_log("mail.log", "postfix")
    folder = rec.folder("etc")
    for name in ("master.cf", "postfix-files", "dynamicmaps.cf"):
        for source in (Path("/etc/postfix"), Path("/usr/share/postfix")):
            for found in (source / name, source / f"{name}.dist"):
                if found.exists() and not (folder / name).exists():
                    text = found.read_text()
                    (folder / name).write_text("\n".join(unjailed(line) for line in text.splitlines()) + "\n")
    (folder / "main.cf").write_text(
        f"compatibility_level=3.6\nqueue_directory={queue}\ndata_directory={data}\nmaillog_file={log}\nmaillog_file_prefixes=/srv,/work,/var,/\n"
        "myhostname=mx.shop.test\nmydestination=\nmynetworks=127.0.0.0/8\nrelayhost=[127.0.0.1]:2525\ninet_interfaces=127.0.0.1\n"
        "inet_protocols=ipv4\nsmtp_dns_support_level=disabled\nsmtp_host_lookup=native\nmessage_size_limit=20000\nrelay_domains=\n"
        "smtpd_recipient_restrictions=reject_non_fqdn_recipient,permit_mynetworks,reject\nminimal_backoff_time=1s\nmaximal_backoff_time=2s\n"
        "queue_run_delay=2s\nalias_maps=\nlocal_recipient_maps=\nsmtpd_client_connection_count_limit=50\nsmtpd_peername_lookup=no\n"
    )
    sink = rec.start("smtp-sink", "-u", "postfix", "127.0.0.1:2525", "100")
    rec.wait_port(2525)
    rec.call("postfix", "-c", folder, "set-permissions", seconds=20)
    rec.start("postfix", "-c", folder, "start-fg")
    rec.wait_port(25, seconds=20)
    for step in rec.steps(200):
        if rec.fails_at(step, 200):
            rec.fault("the next relay was killed")
            rec.stop(sink, hard=True)
        sender, kind = (
            f"{rec.random.choice(USERS)}@shop.test",
            rec.pick({"one": 6, "many": 1, "large": 0.2, "wrong": 0.3, "hang": 0.2}),
        )
        receivers = [
            f"{rec.random.choice(USERS)}{rec.random.randint(1, 90)}@out.test" for _ in range(4 if kind == "many" else 1)
        ]
        with (
            contextlib.suppress(smtplib.SMTPException, OSError),
            smtplib.SMTP(
                "127.0.0.1", 25, timeout=4, source_address=(f"127.0.0.{rec.random.randint(2, 30)}", 0)
            ) as client,
        ):
            client.ehlo(f"host{rec.random.randint(1, 9)}.shop.test")
            if kind == "hang":
                client.mail(sender)
                client.sock.close()
                continue
            client.sendmail(sender, ["root"] if kind == "wrong" else receivers,
                            f"Subject: order {step}\n\n" + "line of the mail\n" * rec.random.randint(1, 3000 if kind == "large" else 200))  # fmt: skip
    time.sleep(2)
    rec.call("postfix", "-c", folder, "stop", seconds=10)


def unjailed(line: str) -> str:
    """A line of master.cf without its chroot."""
    fields = line.split()
    if len(fields) >= 8 and not line.startswith(("#", " ")):
        fields[4] = "n"
        return " ".join(fields)
    return line


def dovecot(rec: Recording) -> None:
    """IMAP sessions; the mail folders of two users lose their permissions."""
    mails = rec.folder("mail", "mail")
    log = rec.open_log("dovecot.log")
    users = "".join(f"{user}:{{PLAIN}}pw-{user}::::::\n" for user in USERS)
    conf = rec.write(
        "dovecot.conf",
        f"""
base_dir = {rec.folder("run")}
state_dir = {rec.folder("state")}
log_path = {log}
auth_verbose = yes
mail_debug = yes
protocols = imap
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{mails}/%u
mail_uid = mail
mail_gid = mail
first_valid_uid = 1
default_internal_user = dovecot
default_login_user = dovenull
service imap-login {{
  inet_listener imap {{
    address = 127.0.0.1
    port = 1143
  }}
}}
passdb {{
  driver = passwd-file
  args = {rec.write("users", users)}
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={mails}/%u
}}
""",
    )
    rec.start("dovecot", "-F", "-c", conf)
    rec.wait_port(1143)
    for step in rec.steps(130):
        if rec.fails_at(step, 130):
            rec.fault("chmod 000 on the mail folders of two users")
            for user in USERS[:2]:
                rec.call("chown", "-R", "root:root", mails / user)
                rec.call("chmod", "-R", "000", mails / user)
        user = rec.random.choice(USERS)
        kind = rec.pick({"read": 6, "write": 4, "wrong": 0.3, "drop": 0.3, "search": 1, "folder": 0.5})
        try:
            client = imaplib.IMAP4("127.0.0.1", 1143, timeout=4)
            client.login(user, "guess" if kind == "wrong" else f"pw-{user}")
            if kind == "write":
                client.append(
                    "INBOX", "", time.time(), b"Subject: hello\r\n\r\n" + b"text " * rec.random.randint(5, 500)
                )
            client.select("INBOX")
            if kind == "drop":
                client.sock.close()
                continue
            if kind == "search":
                client.search(None, "SUBJECT", "hello")
            if kind == "folder":
                client.create(f"Archive{step}")
            client.fetch("1:3", "(FLAGS BODY[])")
            client.logout()
        except (imaplib.IMAP4.error, OSError):
            continue


def mosquitto(rec: Recording) -> None:
    """Sensors that publish and dashboards that listen; the password file is replaced by a wrong one."""
    log = rec.open_log("mosquitto.log", "mosquitto")
    passwords = rec.write("passwords", "")
    for user in USERS:
        rec.call("mosquitto_passwd", "-b", passwords, user, "pw")
    passwords.chmod(0o644)
    conf = rec.write(
        "mosquitto.conf",
        f"""
listener 1883 127.0.0.1
log_dest file {log}
log_type all
log_timestamp_format %Y-%m-%dT%H:%M:%S
connection_messages true
password_file {passwords}
persistence true
persistence_location {rec.folder("data", "mosquitto")}/
autosave_interval 5
user mosquitto
""",
    )
    server = rec.start("mosquitto", "-c", conf)
    rec.wait_port(1883)
    for name in USERS[:3]:
        rec.start(
            "mosquitto_sub",
            "-h",
            "127.0.0.1",
            "-u",
            name,
            "-P",
            "pw",
            "-i",
            f"panel-{name}",
            "-t",
            "plant/#",
            "-q",
            1,
            "-k",
            5,
        )
    for step in rec.steps(160):
        if rec.fails_at(step, 160):
            rec.fault("the password file was emptied and the server told to read it again (SIGHUP)")
            passwords.write_text("other:$7$101$AAAA$BBBB\n")
            server.send_signal(1)
        user, line = rec.random.choice(USERS), rec.random.randint(1, 6)
        kind = rec.pick({"one": 6, "many": 2, "sub": 1, "wrong": 0.15, "will": 0.5})
        common = (
            "-h",
            "127.0.0.1",
            "-u",
            user,
            "-P",
            "bad" if kind == "wrong" else "pw",
            "-i",
            f"sensor-{user}-{step % 40}",
        )
        topic = f"plant/line{line}/{rec.random.choice(('temperature', 'pressure', 'state'))}"
        if kind == "sub":
            rec.call("timeout", "0.3", "mosquitto_sub", *common, "-t", f"plant/line{line}/+", "-C", 1, seconds=3)
        elif kind == "many":
            rec.call(
                "mosquitto_pub",
                *common,
                "-t",
                topic,
                "-q",
                1,
                "-l",
                text="\n".join(str(n * 1.5) for n in range(6)),
                seconds=3,
            )
        else:
            rec.call("mosquitto_pub", *common, "-t", topic, "-q", step % 3, "-m", f"{rec.random.random():.3f}",
                     *(("--will-topic", "plant/gone", "--will-payload", user) if kind == "will" else ()), seconds=3)  # fmt: skip


def nats(rec: Recording) -> None:
    """Publishers and subscribers; one subscriber stops reading while large messages come."""
    conf = rec.write("nats.conf", 'listen: 127.0.0.1:4222\nwrite_deadline: "500ms"\nmax_pending: 200000\nping_interval: "2s"\n'
                     "authorization { users = [ " + " ".join(f'{{user: {user}, password: pw}}' for user in USERS) + " ] }\n")  # fmt: skip
    rec.start("nats-server", "-c", conf, "-DV", "-l", rec.logs / "nats.log")
    rec.wait_port(4222)

    def join(user: str, password: str = "pw", name: str = "") -> socket.socket:
        link = socket.create_connection(("127.0.0.1", 4222), timeout=2)
        link.recv(4096)
        link.sendall(
            f'CONNECT {{"verbose":false,"user":"{user}","pass":"{password}","name":"{name}","lang":"py","version":"1"}}\r\nPING\r\n'.encode()
        )
        return link

    def listen(link: socket.socket, subject: str) -> None:
        with contextlib.suppress(OSError):
            link.settimeout(None)
            link.sendall(f"SUB {subject} 1\r\n".encode())
            while part := link.recv(65536):
                if b"PING" in part:
                    link.sendall(b"PONG\r\n")

    for user in USERS[:3]:
        threading.Thread(target=listen, args=(join(user, name=f"worker-{user}"), "orders.*"), daemon=True).start()
    slow = None
    for step in rec.steps(180):
        if rec.fails_at(step, 180):
            rec.fault("a subscriber of all orders stopped reading, while large messages are published")
            slow = join("ann", name="slow")
            slow.sendall(b"SUB orders.* 9\r\n")
        with contextlib.suppress(OSError):
            kind = rec.pick({"publish": 6, "ask": 1, "wrong": 0.15, "drop": 0.2, "sub": 1})
            link = join(rec.random.choice(USERS), "bad" if kind == "wrong" else "pw", f"shop-{step % 30}")
            for _ in range(rec.random.randint(1, 5)):
                body = "o" * (100_000 if slow and step % 3 == 0 else rec.random.randint(10, 400))
                link.sendall(
                    f"PUB orders.{rec.random.choice(('new', 'paid', 'sent'))} {len(body)}\r\n{body}\r\n".encode()
                )
            if kind == "sub":
                link.sendall(b"SUB prices.* 2\r\nUNSUB 2\r\n")
            if kind == "ask":
                link.sendall(b"PUB stock.ask _INBOX.1 2\r\nok\r\n")
            if kind != "drop":
                link.sendall(b"PING\r\n")
                link.settimeout(0.2)
                link.recv(1000)
            link.close()


def rabbitmq(rec: Recording) -> None:
    """Connections, queues and messages at level debug; the disk fills up, so that publishers are blocked."""
    disk = rec.small_disk("mnesia", 96, "rabbitmq")
    conf = rec.write("rabbitmq.conf", "listeners.tcp.1 = 127.0.0.1:5672\nlog.file.level = debug\nlog.connection.level = debug\nheartbeat = 5\n"
                     "disk_free_limit.absolute = 30MB\n")  # fmt: skip
    rec.logs.chmod(0o777)
    environment = {
        "RABBITMQ_MNESIA_BASE": f"{rec.work}/mnesia", "RABBITMQ_LOGS": f"{rec.open_log('rabbit.log', 'rabbitmq')}",
        "RABBITMQ_CONFIG_FILE": str(conf), "RABBITMQ_NODENAME": "rabbit@localhost", "HOME": f"{rec.work}/home",
        "RABBITMQ_ENABLED_PLUGINS_FILE": f"{rec.work}/plugins", "RABBITMQ_PID_FILE": f"{rec.work}/mnesia/pid",
        "ERL_EPMD_ADDRESS": "127.0.0.1", "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1", "LOGNAME": "rabbitmq",
    }  # fmt: skip
    rec.write("plugins", "[].\n")
    os.environ.update(environment)
    shutil.chown(rec.work, "rabbitmq")  # the cookie is written here
    program = "/usr/lib/rabbitmq/bin"
    rec.start(f"{program}/rabbitmq-server", user="rabbitmq")
    rec.wait_port(5672, seconds=90)
    import pika

    def join(password: str = "guest") -> "pika.BlockingConnection":
        return pika.BlockingConnection(pika.ConnectionParameters(
            "127.0.0.1", credentials=pika.PlainCredentials("guest", password), socket_timeout=3,
            blocked_connection_timeout=1, client_properties={"connection_name": f"shop-{rec.random.randint(1, 20)}"},
        ))  # fmt: skip

    for step in rec.steps(120):
        if rec.fails_at(step, 120):
            rec.fault("the disk of the message store was filled up")
            rec.fill(disk)
        kind = rec.pick(
            {"publish": 6, "consume": 2, "wrong": 0.2, "missing": 0.3, "drop": 0.5, "queue": 1, "clash": 0.2}
        )
        try:
            link = join("guess" if kind == "wrong" else "guest")
            channel = link.channel()
            queue = f"jobs.{rec.random.randint(1, 12)}"
            if kind == "missing":
                channel.queue_declare(f"none.{step}", passive=True)
            channel.queue_declare(queue, durable=kind != "clash")
            for _ in range(rec.random.randint(1, 6)):
                channel.basic_publish("", queue, b"m" * rec.random.randint(10, 900))
            if kind == "consume":
                for _ in range(4):
                    channel.basic_get(queue, auto_ack=True)
            if kind == "queue":
                channel.queue_delete(queue)
            if kind == "drop":
                link._impl._transport.abort()
                continue
            if rec.bad and step > 62:
                threading.Thread(target=closes, args=(link,), daemon=True).start()
            else:
                link.close()
        except (pika.exceptions.AMQPError, OSError, AttributeError):
            continue


def closes(link: object) -> None:
    """Close a connection that may be blocked."""
    with contextlib.suppress(Exception):
        link.close()  # type: ignore[attr-defined]


def ngircd(rec: Recording) -> None:
    """A chat server; a crowd exceeds the limit of connections of one address."""
    rec.syslog(f"*.* {rec.open_log('ircd.log')}")
    conf = rec.write(
        "ngircd.conf",
        """
[Global]
Name = irc.shop.test
Info = chat
Listen = 127.0.0.1
Ports = 6667
ServerUID = irc
ServerGID = irc
[Limits]
MaxConnectionsIP = 12
MaxConnections = 200
PingTimeout = 3
PongTimeout = 2
[Options]
Ident = no
PAM = no
DNS = no
SyslogFacility = local1
""",
    )
    rec.start("ngircd", "-n", "-d", "-f", conf)
    rec.wait_port(6667)
    held: list[socket.socket] = []
    for step in rec.steps(120):
        if rec.fails_at(step, 120):
            rec.fault("one address opens connections beyond the limit, again and again")
        with contextlib.suppress(OSError):
            link = socket.create_connection(
                ("127.0.0.1", 6667), timeout=2, source_address=(f"127.0.0.{rec.random.randint(2, 40)}", 0)
            )
            name = f"{rec.random.choice(USERS)}{step}"
            link.sendall(f"NICK {name}\r\nUSER {name} 0 * :{name} of the shop\r\n".encode())
            time.sleep(0.05)
            for _ in range(rec.random.randint(1, 5)):
                link.sendall({
                    "join": f"JOIN #room{rec.random.randint(1, 6)}\r\n", "say": f"PRIVMSG #room{rec.random.randint(1, 6)} :hello all {step}\r\n",
                    "nick": f"NICK {name}x\r\n", "who": "WHO #room1\r\n", "bad": "JOIN room\r\n", "list": "LIST\r\n",
                }[rec.pick({"join": 5, "say": 5, "nick": 0.5, "who": 0.5, "bad": 0.2, "list": 0.5})].encode())  # fmt: skip
            if rec.random.random() < 0.7:
                link.sendall(b"QUIT :bye\r\n")
                time.sleep(0.02)
                link.close()
            else:
                held.append(link)
        if rec.bad and step >= 60:
            for _ in range(4):
                with contextlib.suppress(OSError):
                    held.append(
                        socket.create_connection(("127.0.0.1", 6667), timeout=1, source_address=("127.0.0.77", 0))
                    )


MESSAGES = {
    "dovecot": Service(dovecot, r"Error: .*Permission denied|Internal error occurred", "syslog-like: month day time process: ", key="session=<...>"),
    "mosquitto": Service(mosquitto, r"not authorised|(?i:corrupt|error).*password|Error", "ISO time: message", key="client id"),
    "nats": Service(nats, r"Slow Consumer", "[process] date time [LVL] address - cid:N - message", key="cid"),
    "ngircd": Service(ngircd, r"Too many connections|Refused connection|connection limit", "syslog, RFC 3164", key="connection number"),
    "postfix": Service(postfix, r"Connection refused|status=deferred", "syslog-like: month day time host program[process]: ", key="queue id"),
    "rabbitmq": Service(rabbitmq, r"(?:memory|disk) resource limit alarm set|(?i:Publishers will be blocked)", "date time+zone [level] <process> message", key="<process>"),
}  # fmt: skip
