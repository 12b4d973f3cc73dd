"""Message brokers and chat: Mosquitto, NATS, RabbitMQ, ngIRCd, Prosody."""

# ruff: noqa: E501 (configuration files and the lines that clients send stay whole)

import base64
import contextlib
import os
import shutil
import socket
import threading
import time

from recording import Recording, Service

USERS = ("ann", "ben", "cho", "dina", "emil", "fay", "gus", "hana")


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
    conf = rec.write("nats.conf", 'listen: 127.0.0.1:4222\nwrite_deadline: "500ms"\nmax_payload: 150000\nmax_pending: 200000\nping_interval: "2s"\n'
                     "authorization { users = [ " + ", ".join(f'{{user: {user}, password: pw}}' for user in USERS) + " ] }\n")  # fmt: skip
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
""",
    )
    rec.start("ngircd", "-n", "-f", conf, output="ircd.log")
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


def prosody(rec: Recording) -> None:
    """A chat server at level debug; the folder where it stores rosters becomes read-only."""
    data = rec.folder("data", "prosody")
    log = rec.open_log("prosody.log", "prosody")
    users = [f"u{number}" for number in range(8)]
    conf = rec.write(
        "prosody.cfg.lua",
        f"""
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ 5222 }}
s2s_ports = {{}}
modules_enabled = {{ "roster"; "saslauth"; "disco"; "private"; "vcard"; "ping"; "presence"; "message"; "iq"; "offline" }}
modules_disabled = {{ "s2s"; "tls" }}
allow_unencrypted_plain_auth = true
c2s_require_encryption = false
authentication = "internal_plain"
data_path = "{data}"
pidfile = "{data}/prosody.pid"
log = {{ {{ levels = {{ min = "debug" }}, to = "file", filename = "{log}", timestamps = true }} }}
VirtualHost "chat.test"
""",
    )
    for user in users:
        rec.write(f"data/chat%2etest/accounts/{user}.dat", 'return { ["password"] = "pw" };\n')
    rec.call("chown", "-R", "prosody:prosody", data)
    rec.start("prosody", "--config", conf, "-F", user="prosody")
    rec.wait_port(5222)
    for step in rec.steps(110):
        if rec.fails_at(step, 110):
            rec.fault("chmod 000 on the folder of rosters, stored messages and accounts")
            for folder in ("roster", "offline", "accounts", "private"):
                place = rec.folder(f"data/chat%2etest/{folder}")
                rec.call("chown", "-R", "root:root", place)
                rec.call("chmod", "-R", "000", place)
        user, kind = (
            rec.random.choice(users),
            rec.pick({"say": 5, "roster": 3, "wrong": 0.3, "drop": 0.4, "private": 1}),
        )
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", 5222), timeout=2) as link:
            link.settimeout(0.15)
            opening = "<?xml version='1.0'?><stream:stream to='chat.test' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
            secret = base64.b64encode(f"\0{user}\0{'guess' if kind == 'wrong' else 'pw'}".encode()).decode()
            texts = [opening, f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{secret}</auth>"]
            if kind not in ("wrong", "drop"):
                texts += [
                    opening,
                    "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
                    "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>",
                ]
                friend = rec.random.choice(users)
                texts += {
                    "say": [f"<presence/><message to='{friend}@chat.test' type='chat'><body>hi {step}</body></message>"] * rec.random.randint(1, 3),
                    "roster": [f"<iq type='set' id='s'><query xmlns='jabber:iq:roster'><item jid='{friend}@chat.test'/></query></iq>"],
                    "private": ["<iq type='get' id='p'><vCard xmlns='vcard-temp'/></iq>"],
                }[kind]  # fmt: skip
                texts.append("</stream:stream>")
            for text in texts:
                link.sendall(text.encode())
                with contextlib.suppress(TimeoutError):
                    link.recv(8000)


MESSAGES = {
    "mosquitto": Service(mosquitto, r"not authorised|(?i:corrupt|error).*password|Error", "ISO time: message", key="client id"),
    "nats": Service(nats, r"Slow Consumer", "[process] date time [LVL] address - cid:N - message", key="cid"),
    "ngircd": Service(ngircd, r"Too many connections|Refused connection|connection limit", "[process:level number] message", time=False, key="connection number"),
    "rabbitmq": Service(rabbitmq, r"(?:memory|disk) resource limit alarm set|(?i:Publishers will be blocked)", "date time+zone [level] <process> message", key="<process>"),
    "prosody": Service(prosody, r"(?i)Permission denied|failed to load|Unable to|not.*(save|load)", "month day time session<TAB>level<TAB>message", key="c2s…"),
}  # fmt: skip
