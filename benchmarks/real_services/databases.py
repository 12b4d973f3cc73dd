"""Databases and caches: PostgreSQL, MariaDB, Redis, etcd, ZooKeeper, memcached."""

# ruff: noqa: E501, PERF401 (configuration files and the lines that clients send stay whole)

import os
import socket
import subprocess
import threading
import time

from recording import Recording, Service

POSTGRES = "/usr/lib/postgresql/15/bin"


def postgresql(rec: Recording) -> None:
    """Statements with durations of a shop; the disk of one table fills up."""
    data = rec.folder("data", "postgres")
    disk = rec.small_disk("disk", 6 if rec.bad else 64, "postgres")
    os.environ.pop("LC_ALL", None)
    rec.call(f"{POSTGRES}/initdb", "-D", data, "-A", "trust", "--no-sync", user="postgres", seconds=60)
    log = rec.open_log("postgresql.log", "postgres")
    rec.write("start.sh", f"exec {POSTGRES}/postgres -D {data} -k {data} -h 127.0.0.1 >>{log} 2>&1\n")
    settings = (
        "log_min_duration_statement = 0\nlog_connections = on\nlog_disconnections = on\nlog_checkpoints = on\n"
        "checkpoint_timeout = 30s\nlog_line_prefix = '%m [%p] %q%u@%d '\nfsync = off\nlog_lock_waits = on\n"
        "deadlock_timeout = 200ms\nautovacuum_naptime = 2s\nlog_autovacuum_min_duration = 0\nlog_temp_files = 0\n"
    )
    with (data / "postgresql.conf").open("a") as stream:
        stream.write(settings)
    rec.start("sh", rec.work / "start.sh", user="postgres")
    rec.wait(lambda: "PostgreSQL" in sql("select version()", "postgres"), "postgres", 40)

    def psql(text: str, user: str = "shop", base: str = "shop") -> str:
        return rec.call("psql", "-h", "127.0.0.1", "-U", user, "-d", base, "-q", "-v", "ON_ERROR_STOP=0", text=text)

    psql(
        "create role shop superuser login; create role reports login; create database shop owner shop;",
        "postgres",
        "postgres",
    )
    psql(f"create tablespace small location '{disk}';\n"
         "create table customers (id serial primary key, name text, mail text);\n"
         "create table orders (id serial primary key, customer int, total numeric, placed timestamptz default now()) tablespace small;\n"
         "create table audit (id bigserial, entry text, at timestamptz default now()) tablespace small;\n"
         "grant select on all tables in schema public to reports;\n"
         "insert into customers (name, mail) select 'c' || n, 'c' || n || '@shop.test' from generate_series(1, 500) n;\n")  # fmt: skip
    actions = {"order": 4.0, "read": 5.0, "report": 1.0, "update": 2.0, "mistake": 0.1, "duplicate": 0.05, "job": 0.3}
    for step in rec.steps(110):
        if rec.fails_at(step, 110):
            rec.fault("the file system of one table space was filled up")
            rec.fill(disk)
        lines, number, user = [], rec.random.randint(1, 500), "shop"
        for _ in range(rec.random.randint(2, 9)):
            action = rec.pick(actions)
            if action == "order":
                lines += ["begin;", f"insert into orders (customer, total) values ({number}, {number * 1.7:.2f});",
                          f"insert into audit (entry) values ('{'order placed ' * rec.random.randint(5, 80)}');", "commit;"]  # fmt: skip
            elif action == "read":
                lines += [f"select id, name from customers where id = {rec.random.randint(1, 600)};"]
            elif action == "report":
                lines += ["select customer, sum(total) from orders group by customer order by 2 desc limit 10;"]
            elif action == "update":
                lines += [f"update customers set name = 'n{rec.random.random():.4f}' where id = {number};"]
            elif action == "mistake":
                lines += ["select nmae from customers;"]
            elif action == "duplicate":
                lines += [f"insert into customers (id, name) values ({number}, 'again');"]
            else:
                lines += ["vacuum analyze customers;"]
        if rec.random.random() < 0.1:
            user, lines = "reports", ["select count(*) from orders;"]
        psql("\n".join(lines), user)


def sql(text: str, user: str) -> str:
    """Ask PostgreSQL one thing."""
    command = ["psql", "-h", "127.0.0.1", "-U", user, "-d", "postgres", "-Atc", text]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def mariadb(rec: Recording) -> None:
    """The general log and the error log; two clients begin to lock each other's rows."""
    data = rec.folder("data", "mysql")
    rec.call("mariadb-install-db", f"--datadir={data}", "--user=mysql", "--auth-root-authentication-method=normal",
             "--skip-test-db", "--no-defaults", seconds=90)  # fmt: skip
    general, error = rec.open_log("general.log", "mysql"), rec.open_log("error.log", "mysql")
    rec.start("mariadbd", "--no-defaults", f"--datadir={data}", "--user=mysql", "--port=3306", "--bind-address=127.0.0.1",
              f"--socket={data}/s.sock", f"--pid-file={data}/m.pid", "--general-log=1", f"--general-log-file={general}",
              f"--log-error={error}", "--log-warnings=4", "--innodb-print-all-deadlocks=1", "--innodb-lock-wait-timeout=1",
              "--innodb-buffer-pool-size=16M", "--innodb-log-file-size=8M", "--max-connections=40")  # fmt: skip
    rec.wait_port(3306, seconds=40)

    def run(text: str, user: str = "root", base: str = "shop") -> str:
        return rec.call("mariadb", "--no-defaults", "-h", "127.0.0.1", "-u", user, "-f", base, text=text)

    run(
        "create database shop; create user app; grant all on shop.* to app; create user reader; grant select on shop.* to reader;",
        base="mysql",
    )
    run("create table stock (id int primary key, amount int); create table sales (id int auto_increment primary key, item int, n int);"
        "insert into stock select seq, 1000 from seq_1_to_200;")  # fmt: skip

    def crossing(first: int, second: int) -> None:
        run(f"begin; update stock set amount = amount - 1 where id = {first}; do sleep(0.3);"
            f"update stock set amount = amount - 1 where id = {second}; commit;", "app")  # fmt: skip

    for step in rec.steps(110):
        if rec.fails_at(step, 110):
            rec.fault("from here on, two clients at a time update the same two rows in opposite order")
        if rec.bad and step > 55 and step % 4 == 0:
            threads = [threading.Thread(target=crossing, args=pair) for pair in ((step, step + 1), (step + 1, step))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        lines, user, item = [], "app", rec.random.randint(1, 200)
        for _ in range(rec.random.randint(2, 10)):
            lines.append({
                "sell": f"begin; update stock set amount = amount - {item % 5} where id = {item}; insert into sales (item, n) values ({item}, {item % 5}); commit;",
                "look": f"select amount from stock where id = {rec.random.randint(1, 210)};",
                "top": "select item, sum(n) from sales group by item order by 2 desc limit 5;",
                "typo": "select amout from stock;",
                "ping": "do 1;",
                "set": "set session transaction isolation level read committed;",
            }[rec.pick({"sell": 4, "look": 5, "top": 1, "typo": 0.1, "ping": 1, "set": 0.5})])  # fmt: skip
        if rec.random.random() < 0.05:
            user = "stranger"
        run("\n".join(lines), user)


def redis(rec: Recording) -> None:
    """A verbose cache that saves itself often; its disk fills up."""
    disk = rec.small_disk("disk", 3 if rec.bad else 200, "redis")
    log = rec.open_log("redis.log", "redis")
    conf = rec.write(
        "redis.conf",
        f"""
bind 127.0.0.1
port 6379
loglevel debug
logfile {log}
dir {disk}
save 1 20
appendonly no
maxmemory 24mb
maxclients 60
hz 10
timeout 3
""",
    )
    rec.start("redis-server", conf, user="redis")
    rec.wait_port(6379)
    for step in rec.steps(400):
        if rec.fails_at(step, 400):
            rec.fault("the disk of the snapshots was filled up")
            rec.fill(disk)
        lines = []
        for _ in range(rec.random.randint(3, 20)):
            number = rec.random.randint(1, 3000)
            lines.append({
                "set": f"SET session:{number} {'v' * (number % 700)}", "get": f"GET session:{number}",
                "expire": f"SETEX cart:{number} {1 + number % 5} {'c' * 30}", "list": f"LPUSH jobs {number}",
                "pop": "RPOP jobs", "wrong": f"INCR session:{number}", "kill": "CLIENT NO-EVICT on",
                "push": f"PUBLISH news {number}", "clear": f"DEL session:{number}",
            }[rec.pick({"set": 5, "get": 6, "expire": 2, "list": 2, "pop": 2, "wrong": 0.1, "push": 1, "clear": 1})])  # fmt: skip
        talk(6379, "".join(line + "\r\n" for line in lines), len(lines))
        if rec.random.random() < 0.03:
            talk(6379, "CONFIG SET hz 10\r\nBGREWRITEAOF\r\n", 2)


def talk(port: int, text: str, answers: int = 1, wait: float = 0.3) -> str:
    """Send lines to a port and read what comes back within a moment."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as link:
            link.sendall(text.encode())
            link.settimeout(wait)
            got = b""
            while got.count(b"\n") < answers:
                part = link.recv(65536)
                if not part:
                    break
                got += part
            return got.decode(errors="replace")
    except OSError:
        return ""


def etcd(rec: Recording) -> None:
    """A cluster of three; one member is killed."""
    members = {f"m{n}": (2379 + 10 * n, 2380 + 10 * n) for n in range(3)}
    cluster = ",".join(f"{name}=http://127.0.0.1:{peer}" for name, (_, peer) in members.items())
    started = {}
    for name, (client, peer) in members.items():
        started[name] = rec.start(
            "etcd", "--name", name, "--data-dir", rec.work / name, "--listen-client-urls", f"http://127.0.0.1:{client}",
            "--advertise-client-urls", f"http://127.0.0.1:{client}", "--listen-peer-urls", f"http://127.0.0.1:{peer}",
            "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}", "--initial-cluster", cluster,
            "--log-level", "debug", "--logger", "zap", "--heartbeat-interval", 100, "--election-timeout", 1000,
            "--auto-compaction-mode", "revision", "--auto-compaction-retention", 50, "--snapshot-count", 200,
            output=f"{name}.log",
        )  # fmt: skip
    for client, _ in members.values():
        rec.wait_port(client)
    time.sleep(2)
    os.environ["ETCDCTL_API"] = "3"
    for step in rec.steps(90):
        if rec.fails_at(step, 90):
            rec.fault("one of the three members was killed")
            rec.stop(started["m1"], hard=True)
        number = rec.random.randint(1, 300)
        action = {
            "put": ("put", f"/services/app-{number}", "10.0.0.1:80"), "get": ("get", f"/services/app-{number}"),
            "list": ("get", "--prefix", "/services"), "del": ("del", f"/services/app-{number}"),
            "lease": ("lease", "grant", "3"), "status": ("endpoint", "status"), "members": ("member", "list"),
            "watch": ("get", "--prefix", "/none"),
        }[rec.pick({"put": 6, "get": 4, "list": 1, "del": 1, "lease": 1, "status": 0.5, "members": 0.3, "watch": 0.3})]  # fmt: skip
        rec.call("etcdctl", f"--endpoints=127.0.0.1:{2379 + 20 * (step % 2)}", *action, seconds=4)


def zookeeper(rec: Recording) -> None:
    """One server and clients that come and go; the disk of its transaction log fills up."""
    disk = rec.small_disk("disk", 64, "zookeeper")
    log = rec.open_log("zookeeper.log", "zookeeper")
    conf = rec.write("zoo.cfg", f"tickTime=500\ndataDir={disk}\nclientPort=2181\nclientPortAddress=127.0.0.1\n"
                     "maxClientCnxns=30\nsnapCount=100\npreAllocSize=256\nadmin.enableServer=false\n4lw.commands.whitelist=*\n")  # fmt: skip
    rec.write(
        "log4j.properties",
        f"""
log4j.rootLogger=DEBUG, F
log4j.logger.org.apache.zookeeper.server.quorum=INFO
log4j.appender.F=org.apache.log4j.FileAppender
log4j.appender.F.File={log}
log4j.appender.F.layout=org.apache.log4j.PatternLayout
log4j.appender.F.layout.ConversionPattern=%d{{ISO8601}} [myid:%X{{myid}}] - %-5p [%t:%C{{1}}@%L] - %m%n
""",
    )
    jars = "/usr/share/java/zookeeper.jar:" + ":".join(
        f"/usr/share/java/{name}.jar" for name in (
            "zookeeper-jute", "slf4j-api", "slf4j-log4j12", "log4j-1.2", "slf4j-reload4j", "reload4j", "netty-all", "snappy-java",
            "commons-cli", "jline2", "jackson-databind", "jackson-core", "jackson-annotations", "metrics-core", "json-simple",
            "netty-buffer", "netty-common", "netty-handler", "netty-transport", "netty-codec", "netty-resolver", "commons-io",
        )
    )  # fmt: skip
    rec.start("java", "-Xmx128m", f"-Dlog4j.configuration=file:{rec.work}/log4j.properties", "-cp", f"{jars}:{rec.work}",
              "org.apache.zookeeper.server.quorum.QuorumPeerMain", conf, user="zookeeper")  # fmt: skip
    rec.wait_port(2181)
    from kazoo.client import KazooClient
    from kazoo.exceptions import KazooException
    from kazoo.handlers.threading import KazooTimeoutError

    clients = []
    for step in rec.steps(160):
        if rec.fails_at(step, 160):
            rec.fault("the disk of the transaction log was filled up")
            rec.fill(disk)
        try:
            if len(clients) < 3 or rec.random.random() < 0.1:
                client = KazooClient("127.0.0.1:2181", timeout=2)
                client.start(timeout=1)
                clients.append(client)
            client = rec.random.choice(clients)
            number = rec.random.randint(1, 400)
            match rec.pick(
                {
                    "create": 4,
                    "get": 4,
                    "seq": 2,
                    "set": 2,
                    "delete": 1,
                    "list": 1,
                    "exists": 1,
                    "close": 0.5,
                    "stat": 0.3,
                }
            ):
                case "create":
                    client.create_async(f"/apps/a{number}", b"x" * number, makepath=True).get(timeout=1)
                case "seq":
                    client.create_async(
                        f"/locks/l{number % 9}-", b"", ephemeral=True, sequence=True, makepath=True
                    ).get(timeout=1)
                case "get":
                    client.get_async(f"/apps/a{number}").get(timeout=1)
                case "set":
                    client.set_async(f"/apps/a{number}", b"y" * 900).get(timeout=1)
                case "delete":
                    client.delete_async(f"/apps/a{number}").get(timeout=1)
                case "list":
                    client.get_children_async("/apps").get(timeout=1)
                case "exists":
                    client.exists_async(f"/apps/a{number}").get(timeout=1)
                case "stat":
                    talk(2181, "srvr")
                case _:
                    clients.remove(client)
                    client.stop()
                    client.close()
        except (KazooException, KazooTimeoutError, OSError):
            continue
    for client in clients:
        threading.Thread(target=client.stop, daemon=True).start()
    time.sleep(1)


def memcached(rec: Recording) -> None:
    """A very verbose cache; its clients begin to store values beyond the limit of one item."""
    arguments = ["-u", "memcache", "-l", "127.0.0.1", "-p", "11211", "-m", "4", "-t", "1", "-vv"]
    rec.start("memcached", *arguments, output="memcached.log")
    rec.wait_port(11211)
    for step in rec.steps(170):
        if rec.fails_at(step, 170):
            rec.fault("from here on, every fourth client also stores a value of 1.2 MB; an item may have 1 MB")
        lines = ""
        for _ in range(rec.random.randint(2, 12)):
            number = rec.random.randint(1, 500)
            match rec.pick({"set": 4, "get": 6, "delete": 1, "incr": 1, "bad": 0.1, "stats": 0.1}):
                case "set":
                    lines += f"set user:{number} 0 {number % 60} {number}\r\n{'d' * number}\r\n"
                case "get":
                    lines += f"get user:{number}\r\n"
                case "delete":
                    lines += f"delete user:{number}\r\n"
                case "incr":
                    lines += f"incr hits:{number % 9} 1\r\n"
                case "bad":
                    lines += f"gett user:{number}\r\n"
                case _:
                    lines += "stats items\r\n"
        if rec.bad and step >= 85 and step % 4 == 0:
            lines += f"set page:{step} 0 60 1200000\r\n{'p' * 1_200_000}\r\n"
        talk(11211, lines, 99, 0.05)


DATABASES = {
    "etcd": Service(etcd, r"lost.*(stream|connection)|peer became inactive|unhealthy|connection refused", "JSON lines"),
    "mariadb": Service(mariadb, r"(?i)deadlock", "general log: thread number, command; error log: its own", key="thread number"),
    "memcached": Service(memcached, r"object too large", "words without a time", time=False, key="descriptor"),
    "postgresql": Service(postgresql, r"could not extend file|No space left|current transaction is aborted", "time, [process] user@database LEVEL: ", key="process"),
    "redis": Service(redis, r"(?i)Write error|No space left|Background saving error|MISCONF|Failed opening", "process:role time sign message"),
    "zookeeper": Service(zookeeper, r"No space left|(?i:severe unrecoverable)|FATAL|Exit code", "log4j", key="session id"),
}  # fmt: skip
