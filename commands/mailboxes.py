"""`mailboxes`: whose mail is alike on two servers; made alike now; made one where it was created apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands import Command, argument
from commands._progress import ProgressView
from core.errors import RefusedError, UsageError
from core.failure import Failure
from core.fleet.lookup import server_named
from core.mailboxes.report import progress_reply, report, seed_asks, seed_question, state_reply
from core.people import Role
from core.reply import Reply
from core.wording import listing
from jobs.mailboxes.many import find_mailboxes, mail_to_mirror, make_all_alike, of_user
from jobs.mailboxes.one import MirrorRequest
from jobs.mailboxes.seed import find_apart, seed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from commands import Request
    from core.mailboxes.pairs import MailboxPair
    from core.mailboxes.result import MailboxResult
    from ops.ports import Ports


async def run(request: Request, ports: Ports) -> Reply:
    """Do what was asked for; without a word, say what is known of every mailbox."""
    mail_to_mirror(ports)
    return await _DOES[request.options.action or "status"](request, ports)


async def _status(_request: Request, ports: Ports) -> Reply:
    """Answer from what is on record; nothing is asked of any server. Exit code 1: some are not alike."""
    return state_reply(await ports.store.mailboxes.all(), ports.clock.now())


async def _sync(request: Request, ports: Ports) -> Reply:
    """Make mailboxes alike now. Exit code 1: one failed; 3: one was refused."""
    login = request.options.user
    found = await find_mailboxes(ports, mail_to_mirror(ports))
    pairing = of_user(found, login) if login else found.pairing
    shown = ProgressView(request, ports.clock, progress_reply)
    for pair in pairing.pairs:
        shown.take(pair, (pair.login, "waiting"))

    def on_end(result: MailboxResult) -> None:
        shown.take(result.pair, (result.pair.login, "done"))

    results = await make_all_alike(ports, pairing, MirrorRequest(request.person.label), on_end)
    return report(results, {} if login else found.silent)


async def _seed(request: Request, ports: Ports) -> Reply:
    """Make one of what was created apart. Exit code 3: nothing was done."""
    options = request.options
    if not options.user or options.source is None:
        raise UsageError("Say whose mail, and which server's mailboxes keep their identity.", hint=_EXAMPLE)
    source = server_named(options.source, ports.fleet)
    pairing = of_user(await find_mailboxes(ports, mail_to_mirror(ports)), options.user)
    pairs = [pair for pair in pairing.pairs if source in (pair.server, pair.other)]
    if not pairs:
        raise UsageError(f"{source} and another server do not both have mail of {options.user}.", hint=_EXAMPLE)
    done = []
    for pair in pairs:
        answer = await _seed_pair(request, ports, pair, source)
        if isinstance(answer, Reply):
            return answer
        done.append(answer)
    return report(done, {})


async def _seed_pair(request: Request, ports: Ports, pair: MailboxPair, source: str) -> Reply | MailboxResult:
    names = await find_apart(ports, pair)
    if isinstance(names, Failure):
        raise RefusedError(f"Nothing was changed: {names.message}.", hint=names.hint)
    if not names:
        raise RefusedError(
            f"No mailbox of {pair.login} was created apart on {pair.server} and {pair.other}. Nothing was changed.",
            hint=f"`mailboxes sync {pair.login}` makes them alike.",
        )
    if not request.options.yes:
        if request.ask is None:
            return seed_asks(pair, source, names)
        if not request.ask(seed_question(pair, source, names)):
            return Reply("Nothing was changed", exit_code=3)
    seeded = await seed(ports, pair, source, request.person.label)
    if isinstance(seeded, Failure):
        hint = f"What became one already stays so: {listing(names)}. Type it again. {seeded.hint}".strip()
        raise RefusedError(f"Not all mailboxes became one: {seeded.message}.", hint=hint)
    return seeded


_EXAMPLE = "For example: `mailboxes seed USER --from SERVER`."
_DOES: Mapping[str, Callable[[Request, Ports], Awaitable[Reply]]] = {"status": _status, "sync": _sync, "seed": _seed}


COMMAND = Command(
    name="mailboxes",
    summary="whose mail is alike on two servers; made alike now; made one where it was created apart",
    run=run,
    who=Role.OPERATOR,
    arguments=(
        argument("action", nargs="?", choices=[name for name in _DOES if name != "status"], help="what to do"),
        argument("user", nargs="?", metavar="USER", help="whose, as they log in; sync: left out, all"),
        argument(
            "--from",
            dest="source",
            metavar="SERVER",
            help="seed: whose mailboxes keep their identity; the other side's take it, and keep their messages",
        ),
        argument("--yes", action="store_true", help="seed: do it without asking"),
    ),
    examples=("mailboxes", "mailboxes sync", "mailboxes sync USER", "mailboxes seed USER --from SERVER"),
    answers_json=True,
    acts=lambda options: options.action is not None,
)
