"""One copy proven: compared with what it was copied from, and each difference judged.

It only reads, so it claims nothing: what happens to the site meanwhile is noticed by the record, and the paths that
differed are then looked at again on both servers.
"""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from core.failure import Failure, FailureCode
from core.fleet.target import Target
from core.plan.cancelling import or_cancel
from core.verify.compare import KEPT_FINDINGS, LastCopy, PathVerdict, Proof, WrongPath, judge, to_look_at
from core.verify.report import facts_of
from core.wording import count, from_stamp
from ops.or_failure import or_failure
from ops.rsync.locate import located
from ops.rsync.mirror import MirrorCopy, run_id, why_not_copy
from ops.rsync.verify import MOST_JUDGED, PathStats, compare, look_at
from ops.store.copies.proofs import ProofRun

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from core.fleet import Site
    from core.verify.compare import PathDifference
    from jobs.sync.serving import Serving
    from ops.ports import Ports
    from ops.store.claims import Claim
    from ops.store.copies.served import SyncRun

AT_ONCE = 2000
LOOK_EVERY_S = 5.0
ROUNDS = 3
LOOKED_BACK = 50


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """Who asked for proofs, and how long one may wait for a sync or a cutover that works on the site."""

    who: str
    patience: timedelta = timedelta(0)


async def prove(
    ports: Ports, site: Site, mirror: str, request: VerifyRequest, serving: Serving, on_step: Callable[[str], None]
) -> Proof:
    """Compare the copy of `site` on `mirror` with its source, keep what came of it, and return that.

    on_step gets what is being done, in a word. Raises StoreError.
    """
    begun_at, began_s = ports.clock.now(), ports.clock.monotonic()
    direction = serving.direction(site)
    source = direction.source or serving.active.get(site.name) or site.home
    proof = Proof(site.name, source, mirror, "failed", databases=len(site.databases))
    if direction.source is None or mirror not in direction.mirrors:
        why = direction.left_out.get(mirror) or direction.why or f"{mirror} holds no copy of it"
        proof = _with(proof, Failure(FailureCode.DIRECTION, why, _way_on(site.name), refused=True))
    else:
        mirror_copy = MirrorCopy(site, ports.fleet.servers[source], ports.fleet.servers[mirror])
        found = await or_failure(_Proving(ports, mirror_copy, request, on_step).proof(proof))
        proof = _with(proof, found) if isinstance(found, Failure) else found
    proof = replace(proof, took_s=ports.clock.monotonic() - began_s)
    run = ProofRun(run_id(begun_at), site.name, source, mirror, begun_at, proof.outcome, facts_of(proof))
    await ports.store.proofs.add(run, ports.clock.now(), request.who)
    return proof


class _Proving:
    """One proof under way."""

    def __init__(
        self, ports: Ports, mirror_copy: MirrorCopy, request: VerifyRequest, on_step: Callable[[str], None]
    ) -> None:
        self._ports = ports
        self._mirror_copy = mirror_copy
        self._request = request
        self._on_step = on_step

    async def proof(self, base_result: Proof) -> Proof:
        """Compare, and judge what differs, until nothing has happened to the site in between."""
        trouble = why_not_copy(self._mirror_copy) or await self._locate()
        for _ in range(ROUNDS):
            trouble = trouble or await self._wait()
            if trouble is not None:
                return _with(base_result, trouble)
            before = await self._last_entry()
            copy = (await self._ports.store.copies.last_good()).get((base_result.site, base_result.mirror))
            if copy is None:
                return _with(
                    base_result,
                    Failure(
                        FailureCode.NO_COPY,
                        f"there is no good copy on {base_result.mirror} yet",
                        f"Make one: `sync {shlex.quote(base_result.site)} --to {base_result.mirror}`.",
                        refused=True,
                    ),
                )
            self._on_step("comparing")
            compared = await compare(self._ports.ssh, self._mirror_copy)
            if isinstance(compared, Failure):
                return _with(base_result, compared)
            touched = await self._last_entry() != before
            if not (touched and compared.more):
                undone = await self._undone_since(copy)
                result = replace(base_result, files=compared.stats.files, copied_at=copy.begun_at, undone=undone)
                result = await self._judged(result, compared.differences, copy, content=touched)
                if touched or await self._last_entry() == before:
                    return _too_far(result, compared.more)
        return _with(
            base_result,
            Failure(
                FailureCode.BUSY,
                "it was copied again and again while it was compared",
                "Verify again when that is over.",
            ),
        )

    async def _judged(
        self, base_result: Proof, differences: Sequence[PathDifference], copy: SyncRun, *, content: bool
    ) -> Proof:
        """Judge each difference. content: read those paths again, since something may have changed them meanwhile."""
        counts: Counter[PathVerdict] = Counter()
        wrong: list[WrongPath] = []
        for start in range(0, len(differences), AT_ONCE):
            some = differences[start : start + AT_ONCE]
            self._on_step(f"judging {count(len(differences), 'difference')}")
            source = await self._look(self._mirror_copy.source.name, some, content=content)
            mirror = await self._look(self._mirror_copy.mirror.name, some, content=content)
            ended_at = copy.ended_at or copy.begun_at
            last = LastCopy(copy.begun_at.timestamp() + source.ahead_s, ended_at.timestamp() + mirror.ahead_s)
            for one in some:
                finding = judge(one, source.seen, mirror.seen, last)
                counts[finding] += 1
                if finding.is_wrong and len(wrong) < KEPT_FINDINGS:
                    wrong.append(WrongPath(finding, one.change))
        return replace(base_result, outcome="differs" if wrong else "good", wrong=tuple(wrong), counts=dict(counts))

    async def _look(self, server: str, differences: Sequence[PathDifference], *, content: bool) -> PathStats:
        root = self._mirror_copy.site.root_on(server)
        paths = to_look_at(differences)
        return await look_at(self._ports.ssh, self._ports.clock, server, root, paths, content=content)

    async def _locate(self) -> Failure | None:
        """Compare the folders that the roots lead to, where they are links."""
        copy = self._mirror_copy
        site = await located(self._ports.ssh, self._ports.fleet, copy.site, (copy.mirror, copy.source))
        if isinstance(site, Failure):
            return site
        self._mirror_copy = replace(copy, site=site)
        return None

    async def _wait(self) -> Failure | None:
        """Return when nobody works on the site any more, or why there is no waiting for that."""
        clock = self._ports.clock
        until_at: datetime = clock.now() + self._request.patience
        while (claim := await self._held()) is not None:
            if clock.now() >= until_at:
                return Failure(
                    FailureCode.HELD,
                    f"{claim.purpose} ({claim.owner}) works on it",
                    f"Verify {or_cancel(claim.name, claim.owner)}",
                    refused=True,
                )
            self._on_step(f"waiting for {claim.purpose}")
            await clock.sleep(LOOK_EVERY_S)
        return None

    async def _held(self) -> Claim | None:
        held = await self._ports.store.claims.held()
        name = str(Target.site(self._mirror_copy.site.name))
        return next((claim for claim in held if claim.name == name), None)

    async def _undone_since(self, copy: SyncRun) -> bool:
        entries = await self._ports.store.record.entries(subject=self._mirror_copy.site.name, last=LOOKED_BACK)
        return any(
            entry.kind == "undo.begun"
            and entry.body.get("server") == self._mirror_copy.mirror.name
            and from_stamp(entry.at) > copy.begun_at
            for entry in entries
        )

    async def _last_entry(self) -> int:
        """Return the number of the newest entry of the record about what was done to the site."""
        entries = await self._ports.store.record.entries(subject=self._mirror_copy.site.name, last=LOOKED_BACK)
        return max((entry.seq for entry in entries if not entry.kind.startswith("proof.")), default=0)


def _too_far(proof: Proof, more: int) -> Proof:
    """Return the result where more paths differ than are judged: what is wrong is wrong; nothing else is proven."""
    if not more or proof.outcome == "differs":
        return proof
    return _with(
        proof,
        Failure(
            FailureCode.TOO_DIFFERENT,
            f"more than {MOST_JUDGED:,} paths differ, {more + MOST_JUDGED:,} in all",
            f"Make the copy anew, then verify it: `sync {shlex.quote(proof.site)} --to {proof.mirror}`.",
        ),
    )


def _with(proof: Proof, trouble: Failure) -> Proof:
    return replace(proof, outcome=trouble.outcome, trouble=trouble)


def _way_on(site: str) -> str:
    return f"`sync {shlex.quote(site)} --dry-run` says what differs there."
