"""The shop's programs: where their state is, how they are started and stopped. Runs inside namespaces of its own."""

import fcntl
import json
import os
import pwd
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import world

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "app"))

import psycopg  # noqa: E402
import settings  # noqa: E402

HOME = settings.HOME


def isolate() -> None:
    """A loopback device, a neutral host name, and an empty /srv in memory for all state."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
        fcntl.ioctl(device, 0x8914, struct.pack("16sH14x", b"lo", 0x41))  # SIOCSIFFLAGS: IFF_UP, IFF_RUNNING
    socket.sethostname("shop")
    _mount("-t", "tmpfs", "-o", "size=1500m,mode=755", "tmpfs", "/srv")


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


class Shop:
    """All programs of the shop, by name."""

    def __init__(self, environment: Path) -> None:
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        for folder in (HOME, settings.LOGS, settings.RELEASES, settings.INVOICES, HOME / "redis", HOME / "gateway"):
            folder.mkdir()
        shutil.copytree(HERE / "app", HOME / "app", ignore=shutil.ignore_patterns("__pycache__"))
        (HOME / "venv").mkdir()
        _mount("--bind", str(environment), str(HOME / "venv"))
        _mount("-t", "tmpfs", "-o", "size=3m,mode=755", "tmpfs", str(settings.INVOICES))

    def open(self) -> None:
        """Start everything and wait until it answers."""
        self.behave(mode="ok", refusals=0)
        _make_database()
        self.start("postgres")
        _fill_database()
        self.start("redis")
        for number, service in enumerate(settings.SERVICES):
            self._write_release(service, f"1.3.{number}", [])
            self.start(service)
        self.start("bank")
        self.start("gateway")

    def start(self, program: str) -> None:
        command, options = _COMMANDS[program]()
        log = settings.LOGS / "postgres.log" if program == "postgres" else HOME / f"{program}.out"
        with log.open("ab") as output:
            self._processes[program] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **options
            )
        self._wait(program)

    def stop(self, program: str, number: int) -> None:
        self._processes[program].send_signal(number)
        self._processes[program].wait(timeout=30)

    def signal(self, program: str, number: int) -> None:
        self._processes[program].send_signal(number)

    def release(self, service: str, version: str, defects: list[str]) -> None:
        """Put another release of a service into place, without a break."""
        self._write_release(service, version, defects)
        self.signal(service, signal.SIGHUP)

    def version(self, service: str) -> str:
        return str(json.loads((settings.RELEASES / f"{service}.json").read_text())["version"])

    def behave(self, *, mode: str, refusals: int) -> None:
        """How the bank answers from now on."""
        beside = HOME / "bank.new"
        beside.write_text(json.dumps({"mode": mode, "refusals": refusals}))
        beside.replace(HOME / "bank.json")

    def close(self) -> None:
        """Stop everything in order, so that the last lines are written."""
        for program in ("gateway", "bank", *settings.SERVICES, "redis"):
            self.stop(program, signal.SIGTERM)
        self.stop("postgres", signal.SIGINT)

    def _write_release(self, service: str, version: str, defects: list[str]) -> None:
        (settings.RELEASES / f"{service}.json").write_text(json.dumps({"version": version, "defects": defects}))

    def _wait(self, program: str) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self._processes[program].poll() is not None:
                break
            try:
                if program == "postgres":
                    psycopg.connect(_DATABASE).close()
                else:
                    socket.create_connection(("127.0.0.1", settings.PORTS[program]), timeout=1).close()
            except (OSError, psycopg.OperationalError):
                time.sleep(0.05)
            else:
                return
        output = HOME / f"{program}.out"
        raise RuntimeError(f"{program} does not answer: {output.read_text()[-2000:] if output.exists() else ''}")


_DATABASE = f"host=127.0.0.1 port={settings.PORTS['postgres']} user=postgres dbname=postgres"


def connect() -> psycopg.Connection[tuple[object, ...]]:
    """A connection of the operator to the shop's database."""
    return psycopg.connect(
        f"host=127.0.0.1 port={settings.PORTS['postgres']} user=postgres dbname=shop application_name=-"
    )


def _programs() -> Path:
    return sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))[-1].parent


def _owner() -> dict[str, object]:
    """PostgreSQL refuses to run as root."""
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _make_database() -> None:
    folder = HOME / "postgres"
    folder.mkdir()
    owner = _owner()
    shutil.chown(folder, owner["user"], owner["group"])
    command = [_programs() / "initdb", "-D", folder, "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8"]
    subprocess.run([*command, "--no-sync"], check=True, cwd="/", stdout=subprocess.DEVNULL, **owner)
    (folder / "postgresql.conf").write_text((HERE / "postgresql.conf").read_text())


def _fill_database() -> None:
    with psycopg.connect(_DATABASE, autocommit=True) as connection:
        connection.execute("CREATE DATABASE shop")
        for service in settings.SERVICES:
            connection.execute(f"CREATE USER {service}")
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute((HERE / "app" / "schema.sql").read_text())
        cursor.executemany(
            "INSERT INTO customers VALUES (%s, %s, encode(sha256(%s::bytea), 'hex'))",
            [(number, world.email(number), world.password(number)) for number in range(1, world.CUSTOMERS + 1)],
        )
        cursor.executemany(
            "INSERT INTO products VALUES (%s, %s, %s, %s, %s, %s)",
            [(p.number, p.name, p.category, p.price_cents, p.sold_last_week, p.digital) for p in world.products()],
        )
        cursor.executemany("INSERT INTO stock VALUES (%s, %s)", [(p.number, p.available) for p in world.products()])
        cursor.executemany("INSERT INTO vouchers VALUES (%s, %s)", list(world.VOUCHERS.items()))


def _service(name: str) -> tuple[list[str], dict[str, object]]:
    environment = {**_ENVIRONMENT, "PYTHONPATH": str(HOME / "app")}
    return [str(HOME / "venv/bin/python"), "-B", f"{name}.py"], {"cwd": HOME / "app", "env": environment}


def _postgres() -> tuple[list[str], dict[str, object]]:
    return [str(_programs() / "postgres"), "-D", str(HOME / "postgres")], {"cwd": "/", "env": _ENVIRONMENT, **_owner()}


def _redis() -> tuple[list[str], dict[str, object]]:
    return ["redis-server", str(HERE / "redis.conf")], {"cwd": HOME / "redis", "env": _ENVIRONMENT}


def _gateway() -> tuple[list[str], dict[str, object]]:
    configuration = HOME / "gateway" / "nginx.conf"
    configuration.write_text((HERE / "nginx.conf").read_text())
    errors = settings.LOGS / "gateway-error.log"
    command = ["nginx", "-p", str(HOME / "gateway"), "-c", str(configuration), "-e", str(errors)]
    return command, {"cwd": "/", "env": _ENVIRONMENT}


_ENVIRONMENT = {"PATH": os.defpath + ":/usr/sbin:/usr/local/sbin", "TZ": "UTC", "LANG": "C.UTF-8"}
_COMMANDS = {
    "postgres": _postgres,
    "redis": _redis,
    "gateway": _gateway,
    **{name: lambda name=name: _service(name) for name in (*settings.SERVICES, "bank")},
}
