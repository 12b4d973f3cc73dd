"""One recording of one service: its folders, its processes, the mix of its load and the moment of its fault."""

import json
import os
import random
import resource
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

HALF = 0.5
STOP_SECONDS = 8.0
NAMES = ("good-1", "good-2", "good-3", "bad")


@dataclass(frozen=True)
class Service:
    """How one service is recorded, and what is known of its log before isang reads it."""

    record: Callable[["Recording"], None]
    telling: str
    """A regular expression of the lines that tell of the failure: those that someone on call would want to see."""
    layout: str
    """The layout of the lines in a few words, as a person reads them."""
    time: bool = True
    """Whether lines carry a time."""
    key: str = "none"
    """What joins lines to a session, as a person would choose it; `none` where nothing does."""


@dataclass
class Recording:
    """One run of one service in a network of its own; `work` is scratch, `logs` is what is kept."""

    name: str
    seed: int
    work: Path
    logs: Path
    seconds: float = 10.0
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    faults: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.weights: dict[str, float] = {}

    @property
    def bad(self) -> bool:
        """Whether this recording has the fault."""
        return self.name == "bad"

    def write(self, name: str, text: str, mode: int = 0o644) -> Path:
        """Write a file of the scratch folder."""
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def folder(self, name: str, owner: str | None = None) -> Path:
        """Make a folder of the scratch folder, for `owner` to write to."""
        path = self.work / name
        path.mkdir(parents=True, exist_ok=True)
        if owner:
            shutil.chown(path, owner)
        return path

    def open_log(self, name: str, owner: str | None = None) -> Path:
        """An empty log file that the service, as `owner`, can write to."""
        path = self.logs / name
        path.touch()
        path.chmod(0o666)
        if owner:
            shutil.chown(path, owner)
        return path

    def start(
        self, *argv: object, output: str | None = None, user: str | None = None,
        environment: dict[str, str] | None = None, file_bytes: int | None = None,
    ) -> subprocess.Popen[bytes]:  # fmt: skip
        """Start a process in the foreground; what it prints goes to the log `output`, or to scratch."""
        prefix = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
        path = self.logs / output if output else self.work / "printed.txt"

        def limit() -> None:
            if file_bytes:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))

        with path.open("ab") as stream:
            process = subprocess.Popen(
                [*prefix, *map(str, argv)], stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, cwd=self.work,
                env={**os.environ, "HOME": str(self.work), **(environment or {})}, preexec_fn=limit,
                start_new_session=True,
            )  # fmt: skip
        self.processes.append(process)
        return process

    def call(self, *argv: object, text: str = "", user: str | None = None, seconds: float = 10.0) -> str:
        """Run a client to its end and return what it printed; what it reports as an error is part of the load."""
        prefix = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
        try:
            done = subprocess.run(
                [*prefix, *map(str, argv)], input=text.encode(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                timeout=seconds, check=False, cwd=self.work, env={**os.environ, "HOME": str(self.work)},
            )  # fmt: skip
        except subprocess.TimeoutExpired as late:
            return (late.stdout or b"").decode(errors="replace")
        return done.stdout.decode(errors="replace")

    def wait_port(self, port: int, host: str = "127.0.0.1", seconds: float = 30.0) -> None:
        """Wait until something listens there."""
        self.wait(lambda: connects(host, port), f"port {port}", seconds)

    def wait(self, ready: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
        """Wait until `ready()`."""
        end = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > end or any(process.poll() for process in self.processes):
                printed = self.work / "printed.txt"
                tail = printed.read_text(errors="replace")[-2000:] if printed.exists() else ""
                raise TimeoutError(f"{what} is not ready within {seconds:.0f} s\n{tail}")
            time.sleep(0.1)

    def steps(self, count: int) -> Iterator[int]:
        """Numbers of `count` steps of the load, spread over the recording's time with uneven pauses."""
        started = time.monotonic()
        for step in range(count):
            yield step
            due = started + self.seconds * (step + self.random.random()) / count
            time.sleep(max(0.0, due - time.monotonic()))

    def pick(self, actions: dict[str, float]) -> str:
        """One of the actions by weight; each recording changes every weight once by up to a factor of two."""
        for action in actions:
            self.weights.setdefault(action, self.random.uniform(0.5, 2.0))
        return self.random.choices(list(actions), [actions[name] * self.weights[name] for name in actions])[0]

    def fails_at(self, step: int, count: int) -> bool:
        """Whether this is the step, half-way, where the fault of a bad recording happens."""
        return self.bad and step == int(count * HALF)

    def fault(self, what: str) -> None:
        """Note what was done to the service, and when."""
        self.faults.append({"what": what, "when": datetime.now(UTC).isoformat(timespec="milliseconds")})

    def stop(self, process: subprocess.Popen[bytes] | None = None, hard: bool = False) -> None:
        """Stop one process, or all of them from the last to the first."""
        for each in [process] if process else list(reversed(self.processes)):
            if each.poll() is None:
                each.kill() if hard else each.terminate()
                try:
                    each.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    each.kill()
                    each.wait()
            self.processes.remove(each)

    def small_disk(self, name: str, mebibytes: float, owner: str | None = None) -> Path:
        """A folder on a file system of its own that holds so much."""
        path = self.folder(name)
        size = f"size={int(mebibytes * 1024)}k"
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"{size},mode=0777", "tmpfs", str(path)], check=True)
        if owner:
            shutil.chown(path, owner)
        return path

    def fill(self, folder: Path) -> None:
        """Fill the file system of `folder`."""
        with (folder / "dump.tmp").open("wb", buffering=0) as stream:
            try:
                while stream.write(bytes(4096)):
                    pass
            except OSError:
                pass

    def syslog(self, rules: str) -> None:
        """Start rsyslogd on /dev/log and UDP port 514 of this recording alone; `rules` say what goes to which file."""
        private_dev(self.work / "dev")
        configuration = self.write(
            "rsyslog.conf",
            'module(load="imuxsock")\nmodule(load="imudp")\ninput(type="imudp" port="514" address="127.0.0.1")\n'
            'module(load="builtin:omfile" Template="RSYSLOG_TraditionalFileFormat")\n' + rules + "\n",
        )
        self.start("rsyslogd", "-n", "-f", configuration, "-i", self.work / "rsyslog.pid")
        self.wait(Path("/dev/log").exists, "/dev/log")


def private_dev(folder: Path) -> None:
    """Give this mount name space a /dev of its own, so that its /dev/log is nobody else's."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", str(folder)], check=True)
    for name in ("null", "zero", "full", "random", "urandom", "tty", "ptmx"):
        (folder / name).touch()
        subprocess.run(["mount", "--bind", f"/dev/{name}", str(folder / name)], check=True)
    for name in ("pts", "shm"):
        (folder / name).mkdir()
        subprocess.run(["mount", "--rbind", f"/dev/{name}", str(folder / name)], check=True)
    for name in ("fd", "stdin", "stdout", "stderr"):
        (folder / name).symlink_to(
            "/proc/self/fd" if name == "fd" else f"/proc/self/fd/{('stdin', 'stdout', 'stderr').index(name)}"
        )
    subprocess.run(["mount", "--rbind", str(folder), "/dev"], check=True)


def connects(host: str, port: int) -> bool:
    """Whether something listens at the port."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def write_facts(folder: Path, name: str, service: Service, faults: Sequence[dict[str, str]]) -> None:
    """Write fault.json: what was done, when, and which lines tell of it."""
    facts = {"service": name, "faults": list(faults), "telling": service.telling}
    (folder / "fault.json").write_text(json.dumps(facts, indent=2) + "\n")
