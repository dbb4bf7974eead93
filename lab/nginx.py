"""nginx on a server: one virtual host for each site that has its home or a mirror there."""

from collections.abc import Container
from pathlib import Path

from lab import php, programs
from lab.fleet import FleetSpec, ServerSpec, SiteSpec
from lab.init import DaemonSpec
from lab.name_server import is_ipv6
from lab.root_folder import INSIDE

_OK = 200
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def nginx(server: ServerSpec, fleet: FleetSpec, folder: Path, with_php: Container[str] = ()) -> DaemonSpec:
    """Write nginx's configuration; for HTTPS it takes `tls/server.pem` and `.key` from the host's folder."""
    (folder / "nginx").mkdir(parents=True, exist_ok=True)
    sites = [site for site in fleet.sites.values() if server.name in site.roots]
    lines = [
        "user www-data; worker_processes 1; daemon off;",
        f"pid {INSIDE}/nginx/nginx.pid; error_log stderr warn;",
        "events { worker_connections 256; }",
        "http {",
        # A dollar sign cannot be escaped; a variable can hold one.
        '  geo $dollar { default "$"; }',
        f"  access_log {INSIDE}/log/nginx-access.log;",
        "  server_names_hash_bucket_size 128; server_names_hash_max_size 8192;",
        *(f"  {kind}_temp_path {INSIDE}/nginx/{kind};" for kind in _TEMPORARY),
        "  types { text/html html; text/css css; image/svg+xml svg; text/plain txt; }",
        "  default_type application/octet-stream; charset utf-8; server_tokens off; log_not_found off;",
        f"  add_header X-Served-By {_quoted(server.name)} always;",
        *_virtual_host(server, "", ["return 404;"], first=True),
    ]
    if server.status_page:
        page = [f"root {_quoted(server.status_page.root)};", "try_files $uri $uri/index.html =404;"]
        lines += _virtual_host(server, server.status_page.host, page)
    for site in sites:
        lines += _virtual_host(server, " ".join(site.names), _site(site, server, with_php=site.key in with_php))
    programs.write(folder / "nginx.conf", "\n".join([*lines, "}"]) + "\n")
    argv = [programs.find("nginx"), "-e", "stderr", "-c", f"{INSIDE}/nginx.conf"]
    return {"name": "nginx", "argv": argv, "environ": {}}


def _virtual_host(server: ServerSpec, names: str, content: list[str], *, first: bool = False) -> list[str]:
    listens = []
    for address in server.addresses:
        host = f"[{address}]" if is_ipv6(address) else address
        default = " default_server" if first else ""
        listens.append(f"listen {host}:{server.http_port}{default};")
        if server.https_port:
            listens.append(f"listen {host}:{server.https_port} ssl{default};")
    if server.https_port:
        listens.append(f"ssl_certificate {INSIDE}/tls/server.pem; ssl_certificate_key {INSIDE}/tls/server.key;")
    if names:
        listens.append(f"server_name {names};")
    return ["  server {", *(f"    {line}" for line in [*listens, *content]), "  }"]


def _site(site: SiteSpec, server: ServerSpec, *, with_php: bool) -> list[str]:
    lines = [f"root {_quoted(site.roots[server.name])};", *(php.virtual_host() if with_php else [])]
    if site.check_status != _OK:
        path = _quoted(site.check_path.partition("?")[0])
        lines.append(f"location = {path} {{ return {site.check_status} {_quoted(site.check_contains)}; }}")
    return lines


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "${dollar}")
    return f'"{escaped}"'
