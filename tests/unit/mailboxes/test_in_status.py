"""What `status` says of mailboxes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from core.mailboxes.result import MailboxRun
from core.status.overview import status_reply

if TYPE_CHECKING:
    from core.status.overview import FleetPicture


def test_status_has_one_line_where_mailboxes_are_kept_alike_and_none_where_not(picture: FleetPicture) -> None:
    now = picture.now
    run = MailboxRun("ann@fjord.example", "oslo", "lima", now, now, "alike", 0, now, "AQ==", {})
    said = str(status_reply(replace(picture, mailboxes=(run,))).parts)
    assert "Mailboxes: 1 alike, the oldest compared just now." in said
    assert "Mailboxes" not in str(status_reply(picture).parts)
