"""What `sync --verify` answers, and what the ops channel is told of a copy that differs."""

from __future__ import annotations

import shlex
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from core.failure import trouble_facts
from core.reply import OUTCOMES, Button, Part, Reply, Row, Table, Text, Tone, first_rows, hint_texts, progress_of
from core.verify.compare import PathVerdict
from core.wording import clock_time, count, duration, listing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from core.verify.compare import Proof

SHOWN = 20
_SILENT = "A sync sees no difference where size and time are the same, unless it reads every file: `sync --checksum`."
_RECOVERABLE = "What a sync replaces or deletes stays recoverable on the mirror."


def report(proofs: Sequence[Proof], alone: Sequence[str], timezone: str) -> Reply:
    """Return what to say about `proofs`. alone: the sites that keep no copy elsewhere."""
    ordered = sorted(proofs, key=lambda proof: OUTCOMES[proof.outcome].rank)
    worst = ordered[0].outcome if ordered else "good"
    parts: list[Part] = []
    if len(proofs) == 1:
        parts += _details(proofs[0], timezone)
    elif proofs:
        parts.append(first_rows(("site", "copy", "result"), ordered, _result_row, SHOWN))
        parts += hint_texts(((one.site, _hint(one), OUTCOMES[one.outcome].tone) for one in ordered), named=True)
    if alone:
        parts.append(Text(f"{count(len(alone), 'site')} without a copy elsewhere: {listing(tuple(alone))}."))
    outcomes = Counter[str](proof.outcome for proof in proofs)
    return Reply(
        title=_title(proofs, outcomes),
        parts=tuple(parts),
        buttons=tuple(_buttons(proofs[0])) if len(proofs) == 1 else (),
        tone=OUTCOMES[worst].tone,
        facts={
            "proofs": [facts_of(proof) for proof in proofs],
            **{outcome: outcomes[outcome] for outcome in OUTCOMES if outcome != "in part"},
            "without_copy": list(alone),
        },
        exit_code=OUTCOMES[worst].exit_code,
    )


def alert(proof: Proof, timezone: str) -> Reply:
    """Return the card of a copy that differs."""
    return Reply(_said(proof), tuple(_details(proof, timezone)), tuple(_buttons(proof)), Tone.BAD)


def progress_reply(steps: Sequence[tuple[str, str, str]]) -> Reply:
    """Return how far proofs are: (site, mirror, what is done)."""
    return progress_of(("copy", "copies"), "verified", ("site", "on", "now"), steps)


def _result_row(one: Proof) -> Row:
    return Row((one.site, f"{one.source} → {one.mirror}", summary(one)), OUTCOMES[one.outcome].tone)


def summary(proof: Proof) -> str:
    """Say how a proof ended in a few words: `the same in 1,204 files, 3 changed since the last copy, 4.2 s`."""
    if proof.trouble is not None:
        return proof.trouble.message
    took = duration(timedelta(seconds=proof.took_s))
    since = f", {proof.since:,} changed since the last copy" if proof.since else ""
    if proof.outcome == "differs":
        return f"{count(proof.wrong_paths, 'path')} of {count(proof.files, 'file')} wrong{since}, {took}"
    return f"the same in {count(proof.files, 'file')}{since}, {took}"


def facts_of(proof: Proof) -> dict[str, object]:
    """Return it as plain JSON values, for the record and for scripts."""
    facts: dict[str, object] = {
        "site": proof.site,
        "source": proof.source,
        "mirror": proof.mirror,
        "outcome": proof.outcome,
        "files": proof.files,
        "wrong": proof.wrong_paths,
        "changed_since_copy": proof.since,
        "took_s": round(proof.took_s, 3),
    }
    if proof.wrong:
        facts["paths"] = [{"path": one.change.shown, "why": str(one.finding)} for one in proof.wrong]
    if proof.databases:
        facts["databases_not_compared"] = proof.databases
    return facts | trouble_facts(proof.trouble)


def _said(proof: Proof) -> str:
    if proof.outcome == "differs":
        said = f"The copy of {proof.site} on {proof.mirror} differs from {proof.source}"
    elif proof.outcome == "good":
        said = f"The copy of {proof.site} on {proof.mirror} is ok"
    else:
        said = f"The copy of {proof.site} on {proof.mirror} was not verified"
    return f"{said}: {summary(proof)}"


def _title(proofs: Sequence[Proof], outcomes: Counter[str]) -> str:
    if not proofs:
        return "There is nothing to verify"
    if len(proofs) == 1:
        return _said(proofs[0])
    said = {"differs": "wrong", "failed": "failed", "refused": "refused"}
    bad = [f"{outcomes[outcome]:,} {word}" for outcome, word in said.items() if outcomes[outcome]]
    good = f"{outcomes['good']:,} of {count(len(proofs), 'copy', 'copies')} are ok"
    return ", ".join([good, *bad])


def _details(proof: Proof, timezone: str) -> Iterator[Part]:
    if proof.trouble is not None:
        yield Text(proof.trouble.hint)
        return
    if proof.wrong:
        rows = tuple(Row((str(one.finding), one.change.shown), Tone.BAD) for one in proof.wrong[:SHOWN])
        yield Table(("what", "path"), rows, left_out=proof.wrong_paths - len(rows))
        if PathVerdict.SILENT in proof.counts:
            yield Text(_SILENT)
        yield Text(_RECOVERABLE)
        if proof.undone:
            yield Text(
                "Something was put back there with `sync --undo` since the last copy, and the next one ends that."
            )
    if proof.copied_at is not None:
        yield Text(f"Last good copy: {clock_time(proof.copied_at, timezone)}.")
    if proof.databases:
        yield Text(
            f"Its {count(proof.databases, 'database')} {'was' if proof.databases == 1 else 'were'} not compared."
        )


def _hint(proof: Proof) -> str:
    hint = proof.trouble.hint if proof.trouble is not None else ""
    return hint or ("`sync SITE --verify` names the paths of one site." if proof.wrong else "")


def _buttons(proof: Proof) -> Iterator[Button]:
    if proof.outcome == "differs":
        copy = f"{shlex.quote(proof.site)} --to {proof.mirror}"
        yield Button(
            "Sync again", f"sync {copy} --checksum" if PathVerdict.SILENT in proof.counts else f"sync {copy}", "primary"
        )
        yield Button("Verify again", f"sync {copy} --verify")
