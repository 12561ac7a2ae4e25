import asyncio
import base64
import json
from typing import Any

import jwt
import pytest

from api.access import LEEWAY, MAX_TOKEN, Access
from api.faults import BadParameter, Forbidden, Unauthorized
from api.identity import Identity, identity_of
from api.tickets import LIFETIME, Tickets
from shopstream.settings import Settings, SettingsError

SECRET = "k" * 32
FAR = 4_000_000_000


def settings(**more: Any) -> Settings:
    return Settings(jwt_secret=SECRET, **more)


def sign(key: str = SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    base = {"sub": "u1", "shops": ["s1"], "role": "admin", "exp": FAR}
    return jwt.encode({**base, **claims}, key, algorithm=algorithm)


def refused(text: str, **more: Any) -> str:
    with pytest.raises(Unauthorized) as fault:
        Access(settings(**more)).read(text)
    return str(fault.value)


def test_a_valid_token_says_who_and_which_shops() -> None:
    assert Access(settings()).read(sign()) == Identity("u1", ("s1",), "admin", FAR)
    old = sign(shops=None, shopId="s2", role="staff")
    assert Access(settings()).read(old) == Identity("u1", ("s2",), "staff", FAR)


def test_an_expired_token_is_forgiven_for_thirty_seconds() -> None:
    import time

    assert Access(settings()).read(sign(exp=time.time() - 25)).user == "u1"
    assert refused(sign(exp=time.time() - 35)) == "The token has expired."


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_other_keys_and_algorithms_are_refused() -> None:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    claims = {"sub": "u1", "shops": ["s1"], "role": "admin", "exp": FAR}
    unsigned = f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims)}."
    for text in (
        sign("x" * 32),
        sign("k" * 64, "HS512"),
        sign(algorithm="HS384"),
        unsigned,
        sign() + "x",
        "not a token",
        "a.b.c",
        "",
    ):
        assert refused(text) == "The token is not valid."


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "a\nb"},
        {"sub": "\ud800"},
        {"shops": ["\udfff"]},
        {"role": "owner"},
        {"role": ["admin"]},
        {"role": None},
        {"shops": "s1"},
        {"shops": [1]},
        {"shops": {"s1": 1}},
        {"shops": [""]},
        {"shops": None},
        {"shops": None, "shopId": 7},
        {"shops": ["s1"], "shopId": 7},
        {"exp": True},
        {"exp": "4000000000"},
    ],
)
def test_claims_of_another_shape_are_refused(claims: dict[str, Any]) -> None:
    base = {"sub": "u1", "shops": ["s1"], "role": "admin", "exp": FAR}
    with pytest.raises(Unauthorized):
        identity_of({**base, **claims})


@pytest.mark.parametrize("exp", [None, "soon", 1e400, [1]])
def test_a_token_without_a_usable_end_is_refused(exp: Any) -> None:
    claims = {"sub": "u1", "shops": ["s1"], "role": "admin", "exp": exp}
    if exp is None:
        del claims["exp"]
    header = jwt.api_jws.PyJWS().encode(json.dumps(claims).encode(), SECRET, "HS256")
    refused(header)


def test_issuer_and_audience_are_checked_where_configured() -> None:
    both = {"jwt_issuer": "https://id", "jwt_audience": "shopstream"}
    good = sign(iss="https://id", aud="shopstream")
    assert Access(settings(**both)).read(good).user == "u1"
    assert Access(settings()).read(good).user == "u1"
    refused(sign(aud="shopstream"), **both)
    refused(sign(iss="https://id"), **both)
    refused(sign(iss="https://other", aud="shopstream"), **both)


def test_a_shop_must_be_one_of_the_tokens_and_the_refusal_says_nothing_else() -> None:
    two = Identity("u1", ("s1", "s2"), "admin", FAR)
    assert two.authorize_shop("s2") == "s2"
    with pytest.raises(Forbidden, match=r"^The token does not allow this shop\.$"):
        two.authorize_shop("s3")
    with pytest.raises(BadParameter, match=r"^shopId is required"):
        two.authorize_shop(None)
    assert Identity("u1", ("s1",), "admin", FAR).authorize_shop(None) == "s1"
    with pytest.raises(Forbidden):
        Identity("u1", (), "admin", FAR).authorize_shop(None)


def test_staff_is_no_admin() -> None:
    with pytest.raises(Forbidden):
        Identity("u1", ("s1",), "staff", FAR).require_admin()


def test_without_a_secret_or_keys_there_is_no_start() -> None:
    with pytest.raises(
        SettingsError, match=r"^SHOPSTREAM_JWT_SECRET: is not set, nor is .*_JWKS_URL"
    ):
        Access(Settings())


def test_a_token_of_an_endless_length_is_not_looked_at() -> None:
    padded = sign(pad="x" * MAX_TOKEN)
    assert refused(padded) == refused("x" * 10_000_000) == "The token is not valid."
    assert Access(settings()).read(sign(pad="x" * (MAX_TOKEN // 2))).user == "u1"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def redeem(tickets: Tickets, ticket: str, **cookies: str) -> Identity:
    return asyncio.run(tickets.redeem(ticket, cookies))


def test_a_ticket_serves_once_and_carries_the_identity() -> None:
    tickets, identity = Tickets(SECRET, Clock()), Identity("u1", ("s1",), "staff", 1500.5)
    ticket = tickets.issue(identity).ticket
    assert redeem(tickets, ticket) == identity
    with pytest.raises(Unauthorized, match="ask for another"):
        redeem(tickets, ticket)


def test_a_ticket_runs_out_and_is_accepted_by_every_process_with_the_secret() -> None:
    clock = Clock()
    issuer, taker = Tickets(SECRET, clock), Tickets(SECRET, clock)
    fresh, late = (issuer.issue(Identity("u1", ("s1",), "admin", FAR)).ticket for _ in range(2))
    clock.now += LIFETIME
    assert redeem(taker, fresh).user == "u1"
    clock.now += 0.1
    with pytest.raises(Unauthorized):
        redeem(taker, late)


def test_without_a_secret_a_ticket_serves_where_it_was_issued() -> None:
    issuer, other = Tickets(None, Clock()), Tickets(None, Clock())
    ticket = issuer.issue(Identity("u1", ("s1",), "staff", FAR)).ticket
    with pytest.raises(Unauthorized):
        redeem(other, ticket)
    assert redeem(issuer, ticket).user == "u1"


def test_a_ticket_of_an_endless_length_is_not_looked_at() -> None:
    with pytest.raises(Unauthorized):
        redeem(Tickets(SECRET, Clock()), "x" * 10_000_000)


def test_neither_is_a_token_a_ticket_nor_a_ticket_a_token() -> None:
    tickets = Tickets(SECRET, Clock())
    issued = tickets.issue(Identity("u1", ("s1",), "admin", FAR))
    for text in (sign(), "", "x", sign("x" * 32), issued.cookie[1]):
        with pytest.raises(Unauthorized):
            redeem(tickets, text)
    refused(issued.ticket)
    refused(issued.cookie[1])


def test_a_used_ticket_serves_with_its_cookie_as_long_as_the_token_and_its_leeway() -> None:
    clock = Clock()
    issuer, other = Tickets(SECRET, clock), Tickets(SECRET, clock)
    identity = Identity("u1", ("s1",), "staff", clock.now + 600)
    issued = issuer.issue(identity)
    cookie = dict([issued.cookie])
    assert issued.seconds == 600 + LEEWAY
    assert redeem(issuer, issued.ticket) == identity
    for tickets in (issuer, other):
        assert redeem(tickets, issued.ticket, **cookie) == identity
    clock.now += 600 + LEEWAY - 1
    assert redeem(other, issued.ticket, **cookie) == identity
    clock.now += 2
    with pytest.raises(Unauthorized):
        redeem(other, issued.ticket, **cookie)


def test_a_cookie_serves_with_its_own_ticket_alone() -> None:
    tickets, stranger = Tickets(SECRET, Clock()), Tickets("x" * 32, Clock())
    mine, theirs = (tickets.issue(Identity(user, ("s1",), "staff", FAR)) for user in "ab")
    assert mine.cookie[0] != theirs.cookie[0]
    for ticket in (mine.ticket, theirs.ticket):
        redeem(tickets, ticket)
    forged = stranger.issue(Identity("a", ("s1", "s2"), "admin", FAR)).cookie[1]
    for value in (theirs.cookie[1], forged, mine.ticket, "", "x", sign()):
        with pytest.raises(Unauthorized):
            redeem(tickets, mine.ticket, **{mine.cookie[0]: value})
    with pytest.raises(Unauthorized):
        redeem(tickets, mine.ticket, **dict([theirs.cookie]))


def test_a_ticket_that_came_with_its_cookie_is_used_for_everybody_else() -> None:
    tickets = Tickets(SECRET, Clock())
    issued = tickets.issue(Identity("u1", ("s1",), "staff", FAR))
    assert redeem(tickets, issued.ticket, **dict([issued.cookie])).user == "u1"
    with pytest.raises(Unauthorized):
        redeem(tickets, issued.ticket)


def test_an_expiry_beyond_every_calendar_is_no_token() -> None:
    claims = {"sub": "u", "shops": ["s"], "role": "admin", "exp": 10**400}
    with pytest.raises(Unauthorized):
        identity_of(claims)
