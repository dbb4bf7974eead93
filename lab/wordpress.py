"""A real WordPress in a lab: Debian's, on the site's own MariaDB, set up and written to through its own pages."""

import http.client
import os
import shutil
import urllib.parse
import xmlrpc.client

from lab import real_content
from lab.errors import LabError
from lab.fleet import DatabaseSpec, ServerSpec, SiteSpec
from lab.lab import Lab
from lab.mariadb import SOCKET

_USER = "editor"
_ANSWER_S = 60.0
_OK = 200
_CONFIG = """<?php
define('DB_NAME', {name});
define('DB_USER', {user});
define('DB_PASSWORD', {password});
define('DB_HOST', {host});
define('DB_CHARSET', 'utf8mb4');
define('DB_COLLATE', '');
$table_prefix = 'wp_';
// By whatever name and port it is asked: it shall answer on every server that it is copied to.
define('WP_HOME', 'http://' . $_SERVER['HTTP_HOST']);
define('WP_SITEURL', WP_HOME);
define('AUTH_KEY', {password});
define('SECURE_AUTH_KEY', {password});
define('LOGGED_IN_KEY', {password});
define('NONCE_KEY', {password});
define('DISABLE_WP_CRON', true);
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('AUTOMATIC_UPDATER_DISABLED', true);
if (!defined('ABSPATH')) {{ define('ABSPATH', __DIR__ . '/'); }}
require_once ABSPATH . 'wp-settings.php';
"""


class WordPress:
    """The WordPress of one site, which the lab was told to run PHP for.

    The site has one MariaDB database in the fleet file, with a `user` and a `password`. Its writing goes to the server
    that each call names, as a visitor's would who was sent there by the DNS.
    """

    def __init__(self, lab: Lab, site: str) -> None:
        self._lab = lab
        self._site: SiteSpec = lab.fleet.sites[site]
        self._database: DatabaseSpec = self._site.databases[0]
        if self._database.user is None or self._database.password is None:
            raise LabError(f"{site}: WordPress needs a user and a password for its database")
        self._password = lab.secret(self._database.password)

    def install(self) -> None:
        """Put it in place at the site's home, and go through its installer."""
        home = self._server(self._site.home)
        root = self._lab.path_on(home.name, self._site.roots[home.name])
        shutil.rmtree(root)
        # As files, whichever package has them; what leads nowhere is Debian's link to a setting of the machine.
        shutil.copytree(real_content.wordpress(), root, ignore_dangling_symlinks=True)
        (root / "wp-content" / "uploads").mkdir()
        (root / "wp-config.php").write_text(self._config(), encoding="utf-8")
        owner = root.parent.stat()
        for path in (root, *root.rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid)
        fields = {
            "weblog_title": self._site.check_contains,
            "user_name": _USER,
            "admin_password": self._password,
            "admin_password2": self._password,
            "pw_weak": "1",
            "admin_email": f"{_USER}@{self._site.names[0]}",
            "blog_public": "0",
        }
        page = self._ask(home.name, "/wp-admin/install.php?step=2", urllib.parse.urlencode(fields))
        if "wp-login.php" not in page or "Success" not in page:
            raise LabError(f"WordPress did not install itself: {page[-2000:]}")

    def post(self, server: str, title: str, text: str) -> int:
        """Publish a post and give its number: a row of the database."""
        content = {"post_title": title, "post_content": text, "post_status": "publish"}
        return int(str(self._call(server, "wp.newPost", content)))

    def upload(self, server: str, name: str, content: bytes) -> str:
        """Upload a file and give its path below the site's root."""
        upload = {"name": name, "type": "text/plain", "bits": xmlrpc.client.Binary(content), "overwrite": True}
        answer = self._call(server, "wp.uploadFile", upload)
        url = str(answer["url"]) if isinstance(answer, dict) else ""
        return urllib.parse.urlsplit(url).path.lstrip("/")

    def page(self, server: str, path: str = "/") -> str:
        """Give a page as that server shows it."""
        return self._ask(server, path)

    def _call(self, server: str, method: str, *arguments: object) -> object:
        body = xmlrpc.client.dumps((1, _USER, self._password, *arguments), method)  # type: ignore[arg-type]
        values, _ = xmlrpc.client.loads(self._ask(server, "/xmlrpc.php", body, "text/xml"))
        return values[0]

    def _ask(
        self, server: str, path: str, body: str | None = None, kind: str = "application/x-www-form-urlencoded"
    ) -> str:
        at = self._server(server)
        connection = http.client.HTTPConnection(at.ipv4, at.http_port, timeout=_ANSWER_S)
        headers = {"Host": f"{self._site.names[0]}:{at.http_port}", "Connection": "close", "Content-Type": kind}
        connection.request("POST" if body else "GET", path, body.encode() if body else None, headers)
        answer = connection.getresponse()
        page = answer.read().decode("utf-8", "replace")
        if answer.status != _OK:
            raise LabError(f"WordPress on {server} answers {path} with {answer.status}: {page[-2000:]}")
        return page

    def _server(self, name: str) -> ServerSpec:
        return self._lab.fleet.servers[name]

    def _config(self) -> str:
        values = {
            "name": self._database.name,
            "user": self._database.user or "",
            "password": self._password,
            "host": f"localhost:{self._database.socket or SOCKET}",
        }
        return _CONFIG.format(**{key: _quoted(value) for key, value in values.items()})


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
