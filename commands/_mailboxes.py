"""What `mail` does for mailboxes on two servers: says whose are alike, makes them so, and one of two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands._progress import ProgressView
from core.errors import RefusedError, UsageError
from core.failure import Failure
from core.fleet.lookup import server_named
from core.mailboxes.report import progress_reply, report, seed_asks, seed_question, state_reply
from core.reply import Reply
from core.wording import listing
from jobs.mailboxes.many import find_mailboxes, mail_to_mirror, make_all_alike, of_user
from jobs.mailboxes.one import MirrorRequest
from jobs.mailboxes.seed import find_apart
from jobs.mailboxes.seed import seed as make_one

if TYPE_CHECKING:
    from commands import Request
    from core.mailboxes.pairs import MailboxPair
    from core.mailboxes.result import MailboxResult
    from ops.ports import Ports


async def boxes(_request: Request, ports: Ports) -> Reply:
    """Answer from what is on record; nothing is asked of any server. Exit code 1: some are not alike."""
    mail_to_mirror(ports)
    return state_reply(await ports.store.mailboxes.all(), ports.clock.now())


async def sync(request: Request, ports: Ports) -> Reply:
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


async def seed(request: Request, ports: Ports) -> Reply:
    """Make one of what was created apart. Exit code 3: nothing was done."""
    options = request.options
    if not options.user or options.source is None:
        raise UsageError("Say whose mail, and which server's mailboxes keep their identity.", hint=EXAMPLE)
    source = server_named(options.source, ports.fleet)
    pairing = of_user(await find_mailboxes(ports, mail_to_mirror(ports)), options.user)
    pairs = [pair for pair in pairing.pairs if source in (pair.server, pair.other)]
    if not pairs:
        raise UsageError(f"{source} and another server do not both have mail of {options.user}.", hint=EXAMPLE)
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
            hint=f"`mail sync {pair.login}` makes them alike.",
        )
    if not request.options.yes:
        if request.ask is None:
            return seed_asks(pair, source, names)
        if not request.ask(seed_question(pair, source, names)):
            return Reply("Nothing was changed", exit_code=3)
    seeded = await make_one(ports, pair, source, request.person.label)
    if isinstance(seeded, Failure):
        hint = f"What became one already stays so: {listing(names)}. Type it again. {seeded.hint}".strip()
        raise RefusedError(f"Not all mailboxes became one: {seeded.message}.", hint=hint)
    return seeded


EXAMPLE = "For example: `mail seed USER --from SERVER`."
