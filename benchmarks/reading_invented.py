"""Small labelled logs of five kinds of systems: the shapes of public logs, with our own words, names and numbers.

They were written after the rules that read them; the label of a line is the place of the form that it was made from.
"""

import random
import re
from collections.abc import Iterator

WORDS = {
    "name": ("root", "mara", "oracle", "git", "postgres", "ubuntu", "deploy", "webmaster", "pi", "test", "jolan"),
    "host": ("mail.depot-one.example", "gw7.corp.example", "cdn.assets.example", "update.vendor.example", "10.4.2.9"),
    "program": ("browser.exe", "mailer.exe", "sync.exe *64", "updater.exe", "Notes.exe"),
    "package": ("com.acme.mail", "com.acme.player", "org.open.maps", "com.vendor.systemui", "org.open.gallery"),
    "tag": ("View Lock", "Job Engine", "*launch*", "RILJ"),
    "key": ("fontSize", "windowState", "isActive"),
    "state": ("Active", "Inactive"),
    "feed": ("Nap", "Mail", "Feed"),
    "view": ("AppDelegate", "RootView"),
    "daemon": ("powerd", "WindowServer", "configd", "bluetoothd", "airportd", "mds", "sharingd", "hidd"),
    "life": ("00:17", "01:42", "12:03", "<1 sec"),
    "unit": ("KB", "B"),
}
"""What may stand for a word in braces; `{9}` is a number of up to so many digits, `{xN}` so many hexadecimal ones."""
_PLACE = re.compile(r"\{(\w+)\}")

SYSTEMS = {
    "sshd-like": (
        "5 Failed password for {name} from {ip} port {5} ssh2",
        "4 Failed password for invalid user {name} from {ip} port {5} ssh2",
        "4 Invalid user {name} from {ip}",
        "4 input_userauth_request: invalid user {name} [preauth]",
        "4 Received disconnect from {ip}: 11: Bye Bye [preauth]",
        "3 Connection closed by {ip} [preauth]",
        "3 pam_unix(sshd:auth): check pass; user unknown",
        "3 pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost={ip}",
        "3 pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost={ip}  user={name}",
        "1 Accepted password for {name} from {ip} port {5} ssh2",
        "1 pam_unix(sshd:session): session opened for user {name} by (uid=0)",
        "1 pam_unix(sshd:session): session closed for user {name}",
        "2 reverse mapping checking getaddrinfo for {host} [{ip}] failed - POSSIBLE BREAK-IN ATTEMPT!",
        "1 Disconnecting: Too many authentication failures for {name} [preauth]",
        "1 message repeated {1} times: [ Failed password for root from {ip} port {5} ssh2]",
    ),
    "proxy-like": (
        "6 {program} - {host}:{4} open through relay relay.depot.example:3128 HTTPS",
        "7 {program} - {host}:{4} close, {3} bytes sent, {4} bytes received, lifetime {life}",
        "1 {program} - {host}:{4} error : Could not connect through relay relay.depot.example:3128 - Could not resolve "
        "{host} error 11004",
        "1 {program} - {host}:{4} close, {3} bytes sent, {4} bytes ({1}.{1} KB) received, lifetime {life}",
    ),
    "phone-like": (
        '5 acquire lock=0x{x7}, flags=0x{1}, tag="{tag}", name={package}, ws=null, uid={4}, pid={4}',
        '5 release:lock=0x{x7}, flg=0x0, tag="{tag}", name={package}", ws=null, uid={4}, pid={4}',
        "4 updateClipping isOverlap:false, getTopMargin:{2}.{1}, Translation:{2}.0",
        "4 Skipping surface {package}/.MainActivity of task {2}",
        "3 setSystemUiVisibility vis={x8} mask=ffffffff oldVal={x8} newVal={x8} diff=0 stackBounds=Rect(0, 0 - 0, 0)",
        "3 Killing {4}:{package}/u0a{2} (adj {3}): empty for {4}s",
        "2 Start proc {4}:{package}/u0a{2} for service {package}/.SyncService",
        "2 getRunningAppProcesses: caller {5} does not hold REAL_GET_TASKS; limiting output",
        "2 animateCollapsePanels:flags=0, force=false, delayed=false, mExpandedVisible=false",
        "1 Failed to find provider info for {package}.provider",
        "1 Destroying surface Surface(name=SurfaceView - {package}/.Player) called by wm.WindowStateAnimator:{3}",
    ),
    "desk-like": (
        "4 ARPT: {6}.{6}: wl0: wl_update_tcpkeep_seq: Original Seq: {9}, Ack: {9}, Win size: {4}",
        "4 ARPT: {6}.{6}: Driver::powerManager: System Sleep",
        "3 en0: channel changed to {2},{2}",
        "3 Cocoa[{4}] no observer for key {key} <Observer: 0x{x9}>",
        "3 Location icon should now be in state '{state}'",
        "3 Periodic Update CFN: session <{feed}-{x8}> at 2026-05-06 01:12:00 +0000",
        "2 Failed to connect (view) outlet from ({view}) to (Controller): missing setter or instance variable",
        "2 PM response took {4} ms ({3}, {daemon})",
        "1 BSSID changed: {x2}:{x2}:{x2}:{x2}:{x2}:{x2} => {x2}:{x2}:{x2}:{x2}:{x2}:{x2}",
        "1 Bluetooth -- LE is supported - Disable LE meta event",
    ),
    "cluster-like": (
        "5 Running task {2}.0 in stage {1}.0 (TID {3})",
        "5 Finished task {2}.0 in stage {1}.0 (TID {3}). {4} bytes result sent to driver",
        "4 Found block rdd_{2}_{2} locally",
        "4 Block broadcast_{2}_piece0 stored as bytes in memory (estimated size {2}.{1} {unit}, free {3}.{1} KB)",
        "3 Input split: hdfs://{host}:9000/data/part-{5}:{9}+{8}",
        "2 Reading broadcast variable {2} took {2} ms",
        "2 Times: total = {2}, boot = -{2}, init = {2}, finish = {1}",
        "1 Saved output of task 'attempt_2015{x4}_m_{6}_{2}' to hdfs://{host}:9000/out/_temporary/0/task_{4}",
        "1 Changing view acls to: {name},{name}",
        "1 SecurityManager: authentication disabled; ui acls disabled; users that may view: Set({name}, {name})",
    ),
}
"""By system: how often a form is written, and the form."""


def lines_of(system: str, count: int = 2_000) -> Iterator[tuple[str, int]]:
    """(message, place of its form)."""
    rng = random.Random(system)
    weights, forms = zip(*(form.split(" ", 1) for form in SYSTEMS[system]), strict=True)

    def value(place: re.Match[str]) -> str:
        kind = place[1]
        if kind in WORDS:
            return rng.choice(WORDS[kind])
        if kind == "ip":
            return ".".join(str(rng.randrange(1, 255)) for _ in range(4))
        if kind.startswith("x"):
            return f"{rng.getrandbits(4 * int(kind[1:])):0{kind[1:]}x}"
        return str(rng.randrange(1, 10 ** int(kind)))

    for form in rng.choices(range(len(forms)), [int(weight) for weight in weights], k=count):
        yield _PLACE.sub(value, forms[form]), form
