"""Web servers and proxies: nginx, Apache, HAProxy, lighttpd, Caddy, Squid, Varnish."""

from http_load import browse, start_backend
from names import upstream
from recording import Recording, Service

STEPS = 500


def nginx(rec: Recording) -> None:
    """A proxy before two upstreams; both are killed."""
    backends = [start_backend(rec, 9001), start_backend(rec, 9002)]
    conf = rec.write(
        "nginx.conf",
        f"""
daemon off; user www-data; worker_processes 2; pid {rec.work}/nginx.pid; error_log {rec.logs}/error.log info;
events {{ worker_connections 256; }}
http {{
  access_log {rec.logs}/access.log combined;
  upstream shop {{ server 127.0.0.1:9001; server 127.0.0.1:9002; }}
  limit_req_zone $binary_remote_addr zone=logins:1m rate=30r/s;
  server {{
    listen 8080; server_name shop.test; root {rec.folder("site")};
    location / {{ proxy_pass http://shop; }}
    location /login {{ limit_req zone=logins burst=2 nodelay; proxy_pass http://shop; }}
    location /old {{ try_files $uri =404; }}
  }}
}}
""",
    )
    rec.start("nginx", "-c", conf)
    rec.wait_port(8080)
    for step in rec.steps(STEPS):
        if rec.fails_at(step, STEPS):
            rec.fault("both upstream servers were killed")
            for backend in backends:
                rec.stop(backend, hard=True)
        browse(rec, 8080)


def apache(rec: Recording) -> None:
    """Static files and a proxied part; the folder of the images loses its permissions."""
    start_backend(rec, 9001)
    site = rec.folder("site")
    for name in ("index.html", "about", "help", "contact", "blog"):
        (site / name).write_text("<p>" + name * 200)
    (site / "img").mkdir()
    for number in range(1, 4001, 1):
        if number % 50:
            (site / "img" / f"{number:05d}.jpg").write_bytes(bytes(number))
    modules = "/usr/lib/apache2/modules"
    loads = "\n".join(
        f"LoadModule {name}_module {modules}/mod_{name}.so"
        for name in ("mpm_event", "authz_core", "dir", "mime", "proxy", "proxy_http", "alias", "autoindex")
    )
    conf = rec.write(
        "apache.conf",
        f"""
ServerRoot {rec.work}
PidFile {rec.work}/httpd.pid
Listen 127.0.0.1:8080
ServerName shop.test
{loads}
User www-data
Group www-data
TypesConfig /etc/mime.types
LogLevel info
ErrorLog {rec.logs}/error.log
LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{{Referer}}i\\" \\"%{{User-Agent}}i\\"" combined
CustomLog {rec.logs}/access.log combined
DocumentRoot {site}
<Directory {site}>
Require all granted
</Directory>
ProxyPass /item http://127.0.0.1:9001/item
ProxyPass /search http://127.0.0.1:9001/search
ProxyPass /api http://127.0.0.1:9001/api
ProxyPass /login http://127.0.0.1:9001/login
ProxyPass /report http://127.0.0.1:9001/report
""",
    )
    rec.start("apache2", "-D", "FOREGROUND", "-f", conf)
    rec.wait_port(8080)
    for step in rec.steps(STEPS):
        if rec.fails_at(step, STEPS):
            rec.fault("chmod 700 on the folder of the images, which root owns")
            (site / "img").chmod(0o700)
        browse(rec, 8080)


def haproxy(rec: Recording) -> None:
    """Two backends with health checks, logged through syslog; both die one after the other."""
    backends = [start_backend(rec, 9001), start_backend(rec, 9002)]
    rec.syslog(f"local0.* {rec.open_log('haproxy.log')}")
    conf = rec.write(
        "haproxy.cfg",
        """
global
  log 127.0.0.1:514 local0
  maxconn 400
defaults
  log global
  mode http
  option httplog
  option dontlognull
  timeout connect 500ms
  timeout client 5s
  timeout server 5s
frontend web
  bind 127.0.0.1:8080
  acl images path_beg /img
  use_backend static if images
  default_backend app
backend app
  balance roundrobin
  server app1 127.0.0.1:9001 check inter 500ms
  server app2 127.0.0.1:9002 check inter 500ms
backend static
  server img1 127.0.0.1:9001 check inter 500ms
""",
    )
    rec.start("haproxy", "-db", "-f", conf)
    rec.wait_port(8080)
    for step in rec.steps(STEPS):
        if rec.fails_at(step, STEPS):
            rec.fault("the first backend was killed, the second a second later")
            rec.stop(backends[0], hard=True)
        if rec.fails_at(step - STEPS // 10, STEPS):
            rec.stop(backends[1], hard=True)
        browse(rec, 8080)


def lighttpd(rec: Recording) -> None:
    """A reverse proxy with two hosts; the backend stops answering, so that requests run into the time limit."""
    backend = start_backend(rec, 9001)
    site = rec.folder("site")
    (site / "index.html").write_text("<p>hello")
    conf = rec.write(
        "lighttpd.conf",
        f"""
server.modules = ("mod_accesslog", "mod_proxy")
server.document-root = "{site}"
server.port = 8080
server.bind = "127.0.0.1"
server.errorlog = "{rec.open_log("error.log")}"
accesslog.filename = "{rec.open_log("access.log")}"
debug.log-request-handling = "disable"
debug.log-condition-handling = "disable"
debug.log-file-not-found = "enable"
index-file.names = ("index.html")
$HTTP["url"] =~ "^/(item|search|api|login|report|products|img)" {{
  proxy.server = ("" => (("host" => "127.0.0.1", "port" => 9001, "connect-timeout" => 1, "read-timeout" => 1)))
}}
""",
    )
    rec.start("lighttpd", "-D", "-f", conf)
    rec.wait_port(8080)
    for step in rec.steps(STEPS):
        if rec.fails_at(step, STEPS):
            rec.fault("the backend was killed")
            rec.stop(backend, hard=True)
        browse(rec, 8080)


def caddy(rec: Recording) -> None:
    """A reverse proxy that logs JSON; the backend is killed."""
    backend = start_backend(rec, 9001)
    conf = rec.write(
        "Caddyfile",
        f"""
{{
  admin off
  auto_https off
  log {{
    output file {rec.logs}/caddy.log
    level DEBUG
  }}
}}
http://127.0.0.1:8080, http://shop.test:8080 {{
  log {{
    output file {rec.logs}/access.log
  }}
  reverse_proxy 127.0.0.1:9001
}}
""",
    )
    rec.start("caddy", "run", "--config", conf, "--adapter", "caddyfile", environment={"XDG_DATA_HOME": str(rec.work)})
    rec.wait_port(8080)
    for step in rec.steps(STEPS):
        if rec.fails_at(step, STEPS):
            rec.fault("the backend was killed")
            rec.stop(backend, hard=True)
        browse(rec, 8080)


def squid(rec: Recording) -> None:
    """A caching proxy of an office; the origin server dies."""
    origin = start_backend(rec, 9001)
    upstream(rec, 53)
    for name in ("access.log", "cache.log"):
        rec.open_log(name, "proxy")
    cache = rec.folder("run", "proxy")
    hosts = rec.write("hosts", "127.0.0.1 shop.test\n")
    conf = rec.write(
        "squid.conf",
        f"""
http_port 127.0.0.1:3128
acl localnet src 127.0.0.0/8
acl banned dstdomain .ads.test
http_access deny banned
http_access allow localnet
http_access deny all
cache_mem 8 MB
access_log stdio:{rec.logs}/access.log squid
cache_log {rec.logs}/cache.log
cache_effective_user proxy
pid_filename {cache}/squid.pid
coredump_dir {cache}
shutdown_lifetime 1 seconds
connect_timeout 2 seconds
visible_hostname server-1
debug_options ALL,1
dns_nameservers 127.0.0.1
hosts_file {hosts}
""",
    )
    rec.start("squid", "-N", "-f", conf)
    rec.wait_port(3128)
    for step in rec.steps(STEPS):
        if rec.fails_at(step, STEPS):
            rec.fault("the origin server was killed")
            rec.stop(origin, hard=True)
        browse(rec, 3128, "http://shop.test:9001" if rec.random.random() < 0.97 else "http://tracker.ads.test")


def varnish(rec: Recording) -> None:
    """A cache with a health probe, its log as varnishlog groups it; the backend falls silent."""
    backend = start_backend(rec, 9001)
    vcl = rec.write(
        "shop.vcl",
        """
vcl 4.1;
backend default { .host = "127.0.0.1"; .port = "9001"; .connect_timeout = 500ms; .first_byte_timeout = 1s;
  .probe = { .url = "/healthz"; .interval = 1s; .timeout = 500ms; .window = 3; .threshold = 2; } }
""",
    )
    rec.folder("varnish")
    rec.start("varnishd", "-F", "-n", rec.work / "varnish", "-a", "127.0.0.1:8080", "-f", vcl, "-s", "malloc,32m",
              "-j", "none", output="varnishd.log")  # fmt: skip
    rec.wait_port(8080)
    rec.start("varnishlog", "-n", rec.work / "varnish", "-g", "request", output="varnishlog.log")
    rec.start("varnishncsa", "-n", rec.work / "varnish", output="varnishncsa.log")
    for step in rec.steps(STEPS // 4):
        if rec.fails_at(step, STEPS // 4):
            rec.fault("the backend was killed")
            rec.stop(backend, hard=True)
        browse(rec, 8080)


COMBINED = "access log, combined; error log of its own"
WEB = {
    "apache": Service(apache, r"Permission denied|AH00035|\" 403 ", COMBINED),
    "caddy": Service(caddy, r"connection refused|\"status\": ?502", "JSON lines"),
    "haproxy": Service(
        haproxy, r"is DOWN|no server available|<NOSRV>|\bSC--| 503 ", "syslog, RFC 3164"
    ),
    "lighttpd": Service(lighttpd, r"Connection refused|\" 50[0-9] |backend.*(disabled|overload)", COMBINED),
    "nginx": Service(nginx, r"Connection refused|no live upstreams|\" 502 ", COMBINED),
    "squid": Service(squid, r"TCP_MISS/50[23]|connection.*failed|Detected DEAD", "epoch seconds in front"),
    "varnish": Service(
        varnish, r"FetchError|is sick|\" 503 |backend_unhealthy|no healthy|BerespStatus +503|RespStatus +503",
        "varnishlog: groups of tagged lines", time=False, key="transaction number",
    ),
}  # fmt: skip
