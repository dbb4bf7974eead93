"""Asking the bot's own HTTP."""

from __future__ import annotations

import io
import json

import aiohttp

TOKEN = "t0ken-of-the-test"


async def ask(address: str) -> tuple[int, str]:
    """Return the status and the text of an answer."""
    async with aiohttp.ClientSession() as session, session.get(address) as answer:
        return answer.status, await answer.text()


async def post(address: str, body: object, token: str | None = TOKEN) -> tuple[int, str]:
    """Post JSON (or, given bytes, these), with a token; return the status and the text of the answer."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    data = io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
    async with aiohttp.ClientSession() as session, session.post(address, data=data, headers=headers) as answer:
        return answer.status, await answer.text()


async def metrics_of(web: str) -> dict[str, float]:
    """Return the figures of /metrics by their line: name and labels in the order of the alphabet."""
    status, page = await ask(f"{web}/metrics")
    assert status == 200, page
    found = {}
    for line in page.splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            found[_sorted(name)] = float(value)
    return found


def _sorted(name: str) -> str:
    name, _, labels = name.removesuffix("}").partition("{")
    return f"{name}{{{','.join(sorted(labels.split(',')))}}}" if labels else name
