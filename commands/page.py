"""`page`: writes the status page by hand, into a folder or on all servers, also where no bot runs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from commands import Command, Request
from core.errors import RefusedError
from core.page.model import headline
from core.people import Role
from core.reply import Reply, Row, Table, Text, Tone
from core.wording import clock_time, count
from jobs.pages import publish
from ops.gather.page_drawing import INDEX, drawn
from ops.gather.pages import current_page, with_days, with_page

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from core.page.model import Page
    from ops.ports import Ports

FOLDER = "status-page"


def _arguments(parser: argparse.ArgumentParser) -> None:
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--to", metavar="FOLDER", help=f"write it into this folder; left out: {FOLDER}")
    where.add_argument("--put", action="store_true", help="put it on every server that carries one")


async def run(request: Request, ports: Ports) -> Reply:
    """Write the page as it is now, where it was asked for."""
    servers = with_page(ports.fleet)
    if request.options.put and not servers:
        raise RefusedError(
            "No server of this fleet carries a status page. Nothing changed.",
            hint="Give one a `status_page` in app.yaml: docs/status-pages.md says how.",
        )
    page = await with_days(ports, await current_page(ports))
    if request.options.put:
        return await _put(ports, page, request.person.label)
    folder = Path(request.options.to or FOLDER)
    files = (await drawn(page, ports.fleet)).files()
    try:
        await asyncio.to_thread(_write, folder, files)
    except OSError as error:
        raise RefusedError(
            f"The page could not be written into {folder}: {error.strerror}.", hint="Choose another folder with --to."
        ) from error
    said = Text(headline(page)[1])
    return Reply(f"The status page is written: {folder / INDEX}", (said,), tone=Tone.GOOD)


async def _put(ports: Ports, page: Page, who: str) -> Reply:
    await ports.store.record.add(ports.clock.now(), "page.put", ports.fleet.name, who)
    failures = await publish(ports, page)
    rows = tuple(
        Row((server, "written"), Tone.GOOD)
        if failure is None
        else Row((server, f"{failure.message} {failure.hint}".strip()), Tone.BAD)
        for server, failure in failures.items()
    )
    written = sum(failure is None for failure in failures.values())
    at = clock_time(page.written_at, page.timezone, page.written_at)
    title = f"The status page of {at} is on {written} of {count(len(failures), 'server')}"
    well = written == len(failures)
    parts = (Text(headline(page)[1]), Table(("server", "page"), rows))
    return Reply(title, parts, tone=Tone.GOOD if well else Tone.BAD, exit_code=0 if well else 1)


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write each file whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        part = folder / f".{name}.part"
        part.write_bytes(content)
        part.replace(folder / name)


COMMAND = Command(
    name="page",
    summary="write the status page by hand, into a folder or on all servers",
    run=run,
    who=Role.OPERATOR,
    places=frozenset({"terminal"}),
    arguments=_arguments,
    examples=("page", "page --to FOLDER", "page --put"),
)
