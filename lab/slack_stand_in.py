"""A stand-in for Slack's Web API with what the local Slack lacks: metadata, limits, refusals and lost answers."""

import json
import socket
import threading
import time
import types
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from lab.slack import APP_TOKEN, BOT_TOKEN, HOST

Sent = dict[str, Any]
_WAIT_S = 30.0
_LOOK_EVERY_S = 0.02
_OK = 200
LOSE = "lose"


class WebApi:
    """Answers as Slack does where all is well, and otherwise as `script` says: `with WebApi() as api:`.

    script: for a method, what happens at its next calls, one entry each: LOSE (it is carried out, and the connection
    dropped before the answer), an answer to give instead (`{"ok": False, "error": "…"}`, where `status` and `headers`
    are those of HTTP), a function from what was sent to the answer, or None (all is well). always: the same for every
    call that the script leaves over. messages: what was posted. calls: each method called, what was sent, and when.
    """

    def __init__(self) -> None:
        self.messages: list[Sent] = []
        self.calls: list[tuple[str, Sent, float]] = []
        self.script: dict[str, list[Any]] = {}
        self.always: dict[str, Any] = {}
        self._server = ThreadingHTTPServer((HOST, 0), type("_OfThisApi", (_Handler,), {"api": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def env(self) -> dict[str, str]:
        """The settings with which the bot talks to this stand-in."""
        url = f"http://{HOST}:{self._server.server_address[1]}/api/"
        return {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN, "SLACK_API_URL": url}

    def sent(self, method: str) -> list[Sent]:
        """Give what each call of a method sent."""
        return [sent for name, sent, _ in self.calls if name == method]

    def times(self, method: str) -> list[float]:
        """Give when each call of a method came, on the monotonic clock."""
        return [at for name, _, at in self.calls if name == method]

    def wait_for(self, method: str, count: int = 1) -> None:
        """Wait until a method was called that many times; TimeoutError if it is not."""
        deadline = time.monotonic() + _WAIT_S
        while len(self.times(method)) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{method} was called {len(self.times(method))} times, not {count}")
            time.sleep(_LOOK_EVERY_S)

    def answer(self, method: str, sent: Sent) -> Sent | None:
        """Carry out one call; None: drop the connection instead of an answer."""
        self.calls.append((method, sent, time.monotonic()))
        steps = self.script.get(method)
        step = steps.pop(0) if steps else self.always.get(method)
        if isinstance(step, dict):
            return step
        if callable(step):
            instead: Sent = step(sent)
            return instead
        well = _WELL.get(method)
        said = well(self, sent) if well is not None else {"ok": True}
        return None if step == LOSE else said

    def _post(self, sent: Sent) -> Sent:
        message = {**sent, "ts": f"{time.time():.6f}", "bot_id": "B01", "user": "U0BOT"}
        self.messages.append(message)
        return {"ok": True, "channel": sent["channel"], "ts": message["ts"]}

    def _update(self, sent: Sent) -> Sent:
        for message in self.messages:
            if message["ts"] == sent["ts"]:
                message.update(sent)
                return {"ok": True, "channel": sent["channel"], "ts": sent["ts"]}
        return {"ok": False, "error": "message_not_found"}

    def _history(self, sent: Sent) -> Sent:
        """Give the messages newest first, as Slack does, with their metadata only where that is asked for."""
        found = [m for m in self.messages if "thread_ts" not in m and float(m["ts"]) >= float(sent.get("oldest", 0))]
        return {"ok": True, "messages": [_seen(message, sent) for message in reversed(found)]}

    def _replies(self, sent: Sent) -> Sent:
        found = [message for message in self.messages if sent["ts"] in {message["ts"], message.get("thread_ts")}]
        return {"ok": True, "messages": [_seen(message, sent) for message in found]}


def _seen(message: Sent, sent: Sent) -> Sent:
    asked = str(sent.get("include_all_metadata", "")).lower() in {"1", "true"}
    return {key: value for key, value in message.items() if asked or key != "metadata"}


_WELL: dict[str, Callable[[WebApi, Sent], Sent]] = {
    "chat.postMessage": WebApi._post,  # noqa: SLF001 - its own
    "chat.update": WebApi._update,  # noqa: SLF001
    "conversations.history": WebApi._history,  # noqa: SLF001
    "conversations.replies": WebApi._replies,  # noqa: SLF001
    # The stand-in has no sockets.
    "apps.connections.open": lambda _api, _sent: {"ok": False, "error": "not_here"},
}


class _Handler(BaseHTTPRequestHandler):
    api: WebApi

    def do_GET(self) -> None:
        self._serve(dict(parse_qsl(urlsplit(self.path).query)))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        is_json = "json" in (self.headers.get("Content-Type") or "")
        self._serve(json.loads(body or b"{}") if is_json else dict(parse_qsl(body.decode())))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""

    def _serve(self, sent: Sent) -> None:
        self.close_connection = True
        said = self.api.answer(urlsplit(self.path).path.rpartition("/")[2], sent)
        if said is None:
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        said = dict(said)
        status, headers = said.pop("status", _OK), said.pop("headers", {})
        body = json.dumps(said).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Type": "application/json", "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
