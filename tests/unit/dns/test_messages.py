"""The messages that are sent, and what replies to them mean."""

from __future__ import annotations

import base64

import dns.message
import dns.rcode
import dns.rdataclass
import dns.tsig
import dns.update
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dns.records import RecordChange, RecordSet
from core.errors import DnsChangedError, DnsClockError, DnsError, DnsRefusedError, SettingsError
from core.fleet import SecretRef, Tsig
from ops.dns.refusals import DnsRequest, why_not_answered, why_not_updated
from ops.dns.reply import UnverifiedError, read_reply
from ops.dns.signing import read_key
from ops.dns.update_message import probing_message, update_message
from ops.dns.wire import soa_query_tcp

ZONE = "garden.example"
OLD = RecordSet("www.garden.example", "A", 300, ("192.0.2.1", "192.0.2.2"))
NEW = RecordSet("www.garden.example", "A", 60, ("192.0.2.3",))
ALIAS = RecordSet("www.garden.example", "CNAME", 60, ("garden.example",))
TSIG = Tsig("bot-update", "hmac-sha256", SecretRef("env", "KEY"))
KEY = dns.tsig.Key("bot-update", b"secret")
ASKED = DnsRequest("The update server 192.0.2.53:53", "the update of garden.example", ZONE, TSIG)


def section(message: dns.update.UpdateMessage, name: str) -> list[str]:
    return [str(rrset) for rrset in getattr(message, name)]


def signed_query() -> dns.update.UpdateMessage:
    query = probing_message(ZONE)
    query.use_tsig(KEY)
    query.to_wire()
    return query


def answer_to(query: dns.message.Message, rcode: dns.rcode.Rcode = dns.rcode.NOERROR) -> dns.message.Message:
    # As a server reads it: from the bytes, so that the answer is signed over the request's signature.
    message = dns.message.make_response(dns.message.from_wire(query.wire or b"", keyring=KEY))
    message.set_rcode(rcode)
    return message


def rejected(
    query: dns.message.Message,
    error: dns.rcode.Rcode,
    other: bytes = b"",
    *,
    at: int | None = None,
    signed: bool = False,
) -> bytes:
    """Make the reply of a server that rejects the signature: NOTAUTH, with the error in its TSIG record.

    at: the time in the record; a server repeats that of the request (RFC 8945, section 5.2.3).
    """
    message = answer_to(query, dns.rcode.NOTAUTH)
    message.tsig, message.want_tsig_sign = None, False
    bare = message.to_wire()
    message.use_tsig(KEY, original_id=query.id, tsig_error=error, other_data=other)
    rejection = dns.message.from_wire(message.to_wire(), keyring=False)
    assert rejection.tsig is not None
    record = rejection.tsig[0].replace(time_signed=rejection.tsig[0].time_signed if at is None else at, mac=b"")
    if signed:
        record, _ = dns.tsig.sign(bare, KEY, record, record.time_signed, query.mac)
    rejection.tsig.clear()
    rejection.tsig.add(record)
    return rejection.to_wire()


def test_a_change_requires_exactly_the_old_values_and_takes_them_away_before_adding() -> None:
    message = update_message(ZONE, (RecordChange(OLD, NEW),))
    assert section(message, "prerequisite") == [
        "www.garden.example. 0 IN A 192.0.2.1",
        "www.garden.example. 0 IN A 192.0.2.2",
    ]
    assert section(message, "update") == [
        "www.garden.example. ANY A",
        "www.garden.example. 60 IN A 192.0.2.3",
    ]


def test_a_new_record_set_requires_that_there_is_none_and_no_alias() -> None:
    message = update_message(ZONE, (RecordChange(None, NEW),))
    assert section(message, "prerequisite") == ["www.garden.example. NONE A", "www.garden.example. NONE CNAME"]


def test_a_new_alias_requires_a_name_that_nothing_uses() -> None:
    message = update_message(ZONE, (RecordChange(None, ALIAS),))
    assert section(message, "prerequisite") == ["www.garden.example. NONE CNAME", "www.garden.example. NONE ANY"]


def test_a_record_set_that_goes_is_required_and_deleted_and_nothing_added() -> None:
    message = update_message(ZONE, (RecordChange(NEW, None),))
    assert section(message, "prerequisite") == ["www.garden.example. 0 IN A 192.0.2.3"]
    assert section(message, "update") == ["www.garden.example. ANY A"]


def test_all_deletions_come_before_all_additions() -> None:
    message = update_message(ZONE, (RecordChange(None, ALIAS), RecordChange(NEW, None)))
    assert section(message, "update") == [
        "www.garden.example. ANY A",
        "www.garden.example. 60 IN CNAME garden.example.",
    ]


def test_the_message_that_changes_nothing_has_a_prerequisite_and_no_updates() -> None:
    message = probing_message(ZONE)
    assert section(message, "prerequisite") == ["garden.example. ANY SOA"]
    assert section(message, "update") == []


def test_a_signed_reply_is_read_whatever_its_code() -> None:
    query = signed_query()
    assert read_reply(answer_to(query, dns.rcode.NXRRSET).to_wire(), query, ASKED).rcode() == dns.rcode.NXRRSET


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (dns.rcode.BADKEY, "does not know the key 'bot-update' (hmac-sha256) (BADKEY)"),
        (dns.rcode.BADSIG, "with another secret (BADSIG)"),
        (dns.rcode.BADTRUNC, "refuses the signature"),
        (dns.rcode.BADTIME, "its clock and ours are more than 5 min apart (BADTIME)"),
    ],
)
def test_an_unsigned_rejection_of_a_signature_is_no_answer_but_said_with_the_key_and_never_its_secret(
    error: dns.rcode.Rcode, words: str
) -> None:
    query = signed_query()
    with pytest.raises(UnverifiedError) as caught:
        read_reply(rejected(query, error), query, ASKED)
    assert words in caught.value.message
    assert "unsigned, which does not count" in caught.value.message
    assert base64.b64encode(b"secret").decode() not in caught.value.message + caught.value.hint


@pytest.mark.parametrize(
    ("ahead_s", "words"),
    [(1200, "20 min ahead of ours"), (-5400, "1 h 30 min behind ours"), (None, "more than 5 min apart")],
)
def test_a_clock_that_is_off_is_said_with_how_far(ahead_s: int | None, words: str) -> None:
    query = signed_query()
    signed_at = query.tsig[0].time_signed if query.tsig else 0
    other = b"" if ahead_s is None else (signed_at + ahead_s).to_bytes(6)
    with pytest.raises(DnsClockError, match=f"{words}.*Nothing changed"):
        read_reply(rejected(query, dns.rcode.BADTIME, other, at=signed_at, signed=True), query, ASKED)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_byte_of_a_signed_rejection_can_be_altered(position: int, flip: int) -> None:
    query = signed_query()
    reply = bytearray(rejected(query, dns.rcode.BADTIME, bytes(6), at=1_000_000, signed=True))
    reply[position % len(reply)] ^= flip
    try:
        with pytest.raises(UnverifiedError):
            read_reply(bytes(reply), query, ASKED)
    except DnsClockError:
        # The case of letters in names, and what no signature covers: the id, which the record repeats, and its TTL.
        assert flip == 0x20 or position % len(reply) in {0, 1, *range(48, 52)}


def test_a_signed_rejection_of_another_request_does_not_count() -> None:
    query, other = signed_query(), signed_query()
    with pytest.raises(UnverifiedError):
        read_reply(rejected(other, dns.rcode.BADTIME, signed=True), query, ASKED)


def test_a_key_is_not_named_where_none_is_set() -> None:
    query = signed_query()
    with pytest.raises(UnverifiedError, match=r"does not know the key \(BADKEY\)"):
        read_reply(rejected(query, dns.rcode.BADKEY), query, DnsRequest("It", "that", ZONE))


def test_a_reply_signed_for_another_time_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    query = signed_query()
    reply = answer_to(query).to_wire()
    monkeypatch.setattr("dns.message.time.time", lambda: 4102444800.0)
    with pytest.raises(UnverifiedError, match="another time"):
        read_reply(reply, query, ASKED)


@given(st.binary(max_size=200))
def test_no_bytes_whatever_are_taken_for_a_signed_reply(reply: bytes) -> None:
    with pytest.raises(UnverifiedError):
        read_reply(reply, signed_query(), ASKED)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_byte_of_a_signed_reply_can_be_altered(position: int, flip: int) -> None:
    query = signed_query()
    reply = bytearray(answer_to(query).to_wire())
    reply[position % len(reply)] ^= flip
    try:
        message = read_reply(bytes(reply), query, ASKED)
    except DnsError:
        return
    # Only the case of letters in names may differ: signatures are over their lower case.
    assert message.rcode() == dns.rcode.NOERROR


@pytest.mark.parametrize(
    ("rcode", "kind", "words"),
    [
        (dns.rcode.NXRRSET, DnsChangedError, "no longer what the plan says (NXRRSET)"),
        (dns.rcode.YXRRSET, DnsChangedError, "YXRRSET"),
        (dns.rcode.NXDOMAIN, DnsChangedError, "NXDOMAIN"),
        (dns.rcode.YXDOMAIN, DnsChangedError, "YXDOMAIN"),
        (dns.rcode.REFUSED, DnsRefusedError, "it does not let us (REFUSED)"),
        (dns.rcode.NOTAUTH, DnsRefusedError, "not the zone's primary"),
        (dns.rcode.NOTIMP, DnsRefusedError, "takes no updates"),
        (dns.rcode.NOTZONE, DnsRefusedError, "outside the zone"),
        (dns.rcode.FORMERR, DnsRefusedError, "could not read"),
        (dns.rcode.BADVERS, DnsRefusedError, "it says BADVERS"),
        (dns.rcode.SERVFAIL, DnsError, "SERVFAIL"),
    ],
)
def test_each_refusal_of_an_update_names_the_zone_and_says_what_to_do(
    rcode: dns.rcode.Rcode, kind: type[DnsError], words: str
) -> None:
    error = why_not_updated(rcode, ASKED)
    assert type(error) is kind
    assert words in error.message
    assert ZONE in error.message
    assert error.hint


def test_only_noerror_is_no_refusal() -> None:
    assert why_not_updated(dns.rcode.NOERROR, ASKED) is None
    refused = [rcode for rcode in dns.rcode.Rcode if why_not_updated(rcode, ASKED) is not None]
    assert set(refused) == set(dns.rcode.Rcode) - {dns.rcode.NOERROR}


def test_a_refusal_without_a_key_speaks_of_this_machines_address() -> None:
    error = why_not_updated(dns.rcode.REFUSED, DnsRequest("It", "that", ZONE))
    assert error is not None
    assert "this machine's address" in error.hint


@pytest.mark.parametrize("rcode", [dns.rcode.NOERROR, dns.rcode.NXDOMAIN])
def test_no_such_name_is_an_answer(rcode: dns.rcode.Rcode) -> None:
    assert why_not_answered(rcode, ASKED) is None


@pytest.mark.parametrize(
    ("rcode", "kind"),
    [
        (dns.rcode.REFUSED, DnsRefusedError),
        (dns.rcode.NOTAUTH, DnsRefusedError),
        (dns.rcode.SERVFAIL, DnsError),
        (dns.rcode.FORMERR, DnsError),
    ],
)
def test_each_refusal_of_a_question_is_an_error(rcode: dns.rcode.Rcode, kind: type[DnsError]) -> None:
    assert type(why_not_answered(rcode, ASKED)) is kind


@pytest.mark.parametrize("secret", ["c2VjcmV0", " c2Vj\ncmV0 \n"])
def test_a_secret_is_read_whatever_white_space_stands_around_it(secret: str) -> None:
    assert read_key(TSIG, lambda _: secret).secret == b"secret"


@pytest.mark.parametrize("secret", ["", "not base64!", "c2VjcmV", '"c2VjcmV0"', "gehöht"])
def test_a_secret_that_is_none_is_a_settings_error_that_does_not_show_it(secret: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_key(TSIG, lambda _: secret)
    assert "env:KEY" in caught.value.message
    assert not secret or secret not in caught.value.message + caught.value.hint


@pytest.mark.parametrize(
    ("tsig", "words"),
    [
        (Tsig("bot", "hmac-sha3", SecretRef("env", "KEY")), "hmac-sha3"),
        (Tsig("bot", "hmac-md5", SecretRef("env", "KEY")), "hmac-md5"),
        (Tsig("bot", "HMAC-SHA1", SecretRef("env", "KEY")), "HMAC-SHA1"),
        (Tsig("a..b", "hmac-sha256", SecretRef("env", "KEY")), "a..b"),
    ],
)
def test_a_key_that_cannot_be_is_a_settings_error(tsig: Tsig, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        read_key(tsig, lambda _: "c2VjcmV0")


@pytest.mark.parametrize("algorithm", ["hmac-sha224", "HMAC-SHA256", "hmac-sha384", "hmac-sha512.", "hmac-sha256-128"])
def test_every_algorithm_that_is_not_weak_can_sign(algorithm: str) -> None:
    query = probing_message(ZONE)
    query.use_tsig(read_key(Tsig("bot", algorithm, SecretRef("env", "KEY")), lambda _: "c2VjcmV0"))
    assert dns.message.from_wire(query.to_wire(), keyring=query.keyring).had_tsig


def test_the_second_vantage_points_question_is_a_whole_soa_query_for_tcp() -> None:
    question = soa_query_tcp(ZONE)
    assert int.from_bytes(question[:2]) == len(question) - 2
    query = dns.message.from_wire(question[2:])
    assert str(query.question[0]) == "garden.example. IN SOA"
    assert query.flags == 0
