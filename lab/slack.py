"""A local Slack for one fleet: its channel, its people and a stranger, driven as people drive it and as tests do.

It listens on every address of the machine (its program has no setting for that) and checks no token: keep it to
machines where nobody else comes by, or to a network namespace.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import time
import types
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal, Self

from ruamel.yaml import YAML

from lab import processes
from lab.errors import LabError
from lab.init import write_whole

Message = dict[str, Any]

PROGRAM = Path(__file__).parent.parent / "node_modules" / "local-slack-linux-x64" / "bin" / "local-slack"
STRANGER = "U03EVE"
BOT_TOKEN = "xoxb-local"  # noqa: S105 - the local Slack's own, good nowhere else
APP_TOKEN = "xapp-local"  # noqa: S105
SIGNING_SECRET = "local-signing-secret"  # noqa: S105
HOST = "127.0.0.1"
_APP = "A01SHARPNET"
_BOT_USER = "U0SHARPNET"
_DIE_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL", "--")
_READY_S = 20.0
_CALL_S = 15.0
_LOOK_EVERY_S = 0.02


class LocalSlack:
    """One local Slack, its state in memory: `with LocalSlack(...) as slack:` starts it and ends it.

    channel, users: ids; the stranger, who may do nothing, is added. listens_at None: the bot connects (Socket Mode);
    else the URL to which events are posted, signed (HTTP mode).
    """

    def __init__(
        self,
        state_dir: Path | str,
        *,
        port: int = 3000,
        channel: str = "C01OPS",
        users: Iterable[str] = ("U01ALICE", "U02BOB"),
        listens_at: str | None = None,
    ) -> None:
        self.port = port
        self.channel = channel
        self.url = f"http://{HOST}:{port}/"
        self._folder = Path(state_dir).absolute()
        self._users = sorted({*users, STRANGER})
        self._listens_at = listens_at
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def for_fleet(cls, fleet_file: Path | str, state_dir: Path | str, *, port: int = 3000) -> Self:
        """Give the local Slack of a fleet file: its ops channel, and every person it names."""
        slack = YAML(typ="safe", pure=True).load(Path(fleet_file)).get("slack")
        if not isinstance(slack, dict) or "ops_channel" not in slack:
            raise LabError(f"{fleet_file} has no slack.ops_channel", "Add the slack section, as in app.yaml.")
        named = [*slack.get("operators", []), *slack.get("approvers", [])]
        return cls(
            state_dir,
            port=port,
            channel=str(slack["ops_channel"]),
            users=[user for user in map(str, named) if user[0] in "UW"],
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self.stop()

    @property
    def env(self) -> dict[str, str]:
        """The settings with which the bot talks to this Slack."""
        common = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_API_URL": f"{self.url}api/"}
        if self._listens_at is None:
            return {**common, "SLACK_APP_TOKEN": APP_TOKEN}
        return {**common, "SLACK_SIGNING_SECRET": SIGNING_SECRET}

    def start(self) -> None:
        """Start it and wait until it answers. LabError where its program is missing or the port is taken."""
        if not PROGRAM.exists():
            raise LabError(
                "the local Slack's program is not there (it exists for Linux on x86-64)",
                "Install it with `make node_modules/.done`; without it everything works in the terminal.",
            )
        self._folder.mkdir(parents=True, exist_ok=True)
        self._end_leftover()
        self._check_port()
        # It makes a folder for uploads in there at each start, and never removes one.
        shutil.rmtree(self._temporary, ignore_errors=True)
        self._temporary.mkdir()
        config = self._folder / "slack.json"
        write_whole(config, json.dumps(self._config(), indent=1))
        with (self._folder / "slack.log").open("ab") as log:
            # A lab that is killed must not leave the local Slack behind, holding its port.
            self._process = subprocess.Popen(
                [*_DIE_WITH_PARENT, PROGRAM, "--config", config, "--port", str(self.port), "--base-host", HOST],
                env={**os.environ, "TMPDIR": str(self._temporary)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        identity = processes.identify(self._process.pid)
        if identity is not None:
            write_whole(self._pid_file, json.dumps([identity.pid, identity.started_ticks]))
        deadline = time.monotonic() + _READY_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                said = (self._folder / "slack.log").read_text(encoding="utf-8", errors="replace").strip()[-400:]
                raise LabError(f"the local Slack does not answer on port {self.port}", f"It said: {said}")
            time.sleep(_LOOK_EVERY_S)

    def stop(self) -> None:
        """End it; what was said in it is gone. Fine where it does not run."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        shutil.rmtree(self._temporary, ignore_errors=True)
        self._pid_file.unlink(missing_ok=True)

    def command(self, user: str, text: str, *, channel: str | None = None) -> None:
        """Type `/sharpnet TEXT` as `user`; returns when the bot has acknowledged, or after some seconds."""
        self._call("command", {"channel": channel or self.channel, "user": user, "command": "/sharpnet", "text": text})

    def press(self, message: Message, label: str, user: str) -> None:
        """Press the button `label` of a message as `user`; a confirm dialog is not shown. LabError: no such button."""
        found = [element for element in buttons_of(message) if element["text"]["text"] == label]
        if not found:
            labels = ", ".join(element["text"]["text"] for element in buttons_of(message)) or "none"
            raise LabError(f"the message has no button {label!r}", f"Its buttons: {labels}")
        action = {key: found[0].get(key) for key in ("type", "action_id", "block_id", "value", "text")}
        self._call(
            "interact", {"channel": message["channel"], "messageTs": message["ts"], "user": user, "action": action}
        )

    def reply(self, message: Message, text: str, user: str) -> Message:
        """Write in the thread of a message as `user`, and give what was written."""
        body = {"channel": message["channel"], "thread_ts": message["ts"], "user": user, "text": text}
        return dict(self._call("message", body)["message"])

    def edit(self, message: Message, text: str) -> None:
        """Change a message as whoever wrote it."""
        self._call("edit-message", {key: message[key] for key in ("channel", "ts", "user")} | {"text": text})

    def open_home(self, user: str) -> None:
        """Open the bot's Home tab as `user`."""
        self._call("open-home", {"user": user})

    def messages(self, channel: str | None = None) -> list[Message]:
        """Give the messages of a channel, oldest first, thread lines and ephemeral ones included."""
        return list(self._call(f"messages/{channel or self.channel}")["messages"])

    def state(self) -> dict[str, Any]:
        """Give the workspace, its users and its channels."""
        return self._call("state")

    def log(self) -> list[dict[str, Any]]:
        """Give what went to the bot and came from it: `direction`, `kind`, `summary`, `detail`; the last thousand."""
        return list(self._call("log")["log"])

    def wait_for_message(
        self, predicate: Callable[[Message], bool], timeout_s: float = 20.0, *, channel: str | None = None
    ) -> Message:
        """Give the newest message that fits, as soon as there is one. LabError, with what is there, if none comes."""
        deadline = time.monotonic() + timeout_s
        while True:
            messages = self.messages(channel)
            for message in reversed(messages):
                if predicate(message):
                    return message
            if time.monotonic() > deadline:
                texts = "\n  ".join(str(message.get("text", "")) for message in messages) or "no message at all"
                raise LabError(f"no such message came within {timeout_s:.0f} s", f"There are:\n  {texts}")
            time.sleep(_LOOK_EVERY_S)

    def wait_for_bot(self, connections: int = 1, timeout_s: float = 20.0) -> None:
        """Wait until a bot has connected that many times: what is typed before is lost without a word."""
        deadline = time.monotonic() + timeout_s
        while sum("socket connected" in entry["summary"] for entry in self.log()) < connections:
            if time.monotonic() > deadline:
                raise LabError(f"no bot connected to the local Slack within {timeout_s:.0f} s", "Does the bot run?")
            time.sleep(_LOOK_EVERY_S)

    @property
    def _pid_file(self) -> Path:
        return self._folder / "slack.pid"

    @property
    def _temporary(self) -> Path:
        return self._folder / "tmp"

    def _end_leftover(self) -> None:
        try:
            pid, started_ticks = json.loads(self._pid_file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return
        processes.kill(processes.ProcessId(pid, started_ticks))

    def _check_port(self) -> None:
        # Whoever has the port would answer in its place, and be taken for it.
        with socket.socket() as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                one.bind(("", self.port))
            except OSError as error:
                raise LabError(
                    f"port {self.port} is taken: {error.strerror}",
                    "Choose another for the local Slack, or end who has it.",
                ) from error

    def _config(self) -> dict[str, Any]:
        mode: Literal["socket", "events"] = "socket" if self._listens_at is None else "events"
        app = {"appId": _APP, "botUserId": _BOT_USER, "botName": "sharpnet", "botToken": BOT_TOKEN}
        app |= {"appToken": APP_TOKEN, "signingSecret": SIGNING_SECRET, "mode": mode}
        if self._listens_at is not None:
            app["requestUrl"] = self._listens_at
        return {
            "workspace": {"name": "Sharpnet", "domain": "sharpnet", "teamId": "T01SHARPNET"},
            "app": app,
            "users": [{"id": user, "name": _name(user).lower(), "real_name": _name(user)} for user in self._users],
            "channels": [{"id": self.channel, "name": "ops", "members": [*self._users, _BOT_USER]}],
        }

    def _answers(self) -> bool:
        try:
            self._call("state")
        except LabError:
            return False
        return True

    def _call(self, what: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - the URL is our own
            f"{self.url}_control/{what}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=_CALL_S) as answer:  # noqa: S310
                said: dict[str, Any] = json.loads(answer.read())
        except (OSError, ValueError) as error:
            raise LabError(f"the local Slack at {self.url} does not answer: {error}", "Does it run?") from error
        return said


def buttons_of(message: Message) -> list[dict[str, Any]]:
    """Give the buttons of a message."""
    return [
        element
        for block in message.get("blocks") or []
        if block["type"] == "actions"
        for element in block["elements"]
        if element["type"] == "button"
    ]


def shown_in(message: Message) -> str:
    """Give all the text that a message's blocks show, a line a block; its own text where it has no blocks."""
    blocks = message.get("blocks")
    if not blocks:
        return str(message.get("text", ""))
    return "\n".join(block["text"]["text"] for block in blocks if "text" in block)


def _name(user: str) -> str:
    """Make a name of an id: U01ALICE is Alice."""
    return re.sub(r"^[UW]\d*", "", user).capitalize() or user
