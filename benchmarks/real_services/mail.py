"""Mail: Postfix, Dovecot."""

# ruff: noqa: E501 (configuration files and the lines that clients send stay whole)

import contextlib
import imaplib
import smtplib
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


MAIL = {
    "dovecot": Service(dovecot, r"Error: .*Permission denied|Internal error occurred", "syslog-like: month day time process: ", key="session=<...>"),
    "postfix": Service(postfix, r"Connection refused|status=deferred", "syslog-like: month day time host program[process]: ", key="queue id"),
}  # fmt: skip
