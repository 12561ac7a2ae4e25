"""Random requests over every route, with who sends them and what they may see at most."""

import asyncio
import random
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_plus

import jwt
from starlette.types import ASGIApp, Message

from provider.apps import SECRET
from provider.signing import unsigned

SHOPS = ("fz-alpha", "fz-bravo")
ODD = (
    *(
        "",
        " ",
        "0",
        "-1",
        "1e9",
        "null",
        "true",
        "[]",
        "{}",
        "*",
        "%",
        "_",
        "..",
        "'",
        '"',
        "\\",
        "\0",
    ),
    *("' OR 1=1 --", "') OR shop_id != ('", "{shop:String}", "fz%", "fz_bravo", "fz-bravo' --"),
    *("2026-11-22", "2026-13-45", "9999-12-31", "shop.orders:0:1", "shop.orders:0:999999999999"),
    *("WyJwLTEiLCIiXQ", "AQAA", "ä", "\U0001f600", "\ufeff", "x" * 3000, "a,b", "order:created"),
)
ID = ("x-request-id", "fz")
"""One that is made might have the digits of a shop by chance."""
STREAM_SECONDS = 0.005
"""How long a stream is listened to."""
EXTRA = (
    "shop_id",
    "shopid",
    "ShopId",
    "shopId[]",
    "shops",
    "tenant",
    "user",
    "role",
    "sub",
    "token",
    "x",
)
ROUTES = (
    *("/reports/daily-sales", "/reports/weekly-sales", "/reports/monthly-sales"),
    *("/reports/metrics", "/reports/trends", "/stock", "/events", "/auth/ticket"),
)
STRAY = (
    *("/reports", "/reports/", "/reports/daily-sales/", "//reports/daily-sales", "/stock/../stock"),
    *(
        "/reports/daily-sales;shopId=fz-bravo",
        "/reports/fz-bravo",
        "/%2e%2e/stock",
        "/STOCK",
        "/nothing",
    ),
)
GOOD: dict[str, tuple[str, ...]] = {
    "date": ("2026-11-22", "2026-11-21", "2026-11-20"),
    "startDate": ("2026-11-16", "2026-11-20", "2026-11-01"),
    "endDate": ("2026-11-22", "2026-11-30"),
    "year": ("2026", "2025"),
    "month": ("11", "10"),
    "days": ("1", "30", "366"),
    "low": ("true", "false"),
    "limit": ("1", "2", "100"),
    "types": ("order:created", "order:created,inventory:updated", "storefront:visited"),
}


@dataclass(frozen=True)
class Sender:
    """`shops` are those that its token names, if it is valid at all."""

    headers: tuple[tuple[str, str], ...]
    shops: tuple[str, ...] = ()
    admin: bool = False


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: bytes
    headers: tuple[tuple[str, str], ...]
    shop: str | None
    """The only shop of which the answer may show anything."""


@dataclass
class Answer:
    status: int
    content: bytes
    """Head and body as they came."""
    body: bytes


def token(*shops: str, **more: Any) -> str:
    said = {"sub": "u1", "shops": list(shops), "role": "admin", "exp": time.time() + 3600, **more}
    return jwt.encode(said, SECRET, "HS256")


def _bearer(text: str, scheme: str = "Bearer") -> tuple[tuple[str, str], ...]:
    return (("authorization", f"{scheme} {text}"),)


def senders() -> list[Sender]:
    """Valid ones, with their reach, and others, who reach nothing."""
    alpha, bravo = SHOPS
    found = [
        Sender(_bearer(token(alpha)), (alpha,), True),
        Sender(_bearer(token(bravo)), (bravo,), True),
        Sender(_bearer(token(alpha), "bEARER"), (alpha,), True),
        Sender(_bearer(token(alpha, role="staff")), (alpha,)),
        Sender(_bearer(token(alpha, bravo)), (alpha, bravo), True),
        Sender(_bearer(token(alpha, "fz-nobody")), (alpha, "fz-nobody"), True),
        Sender(_bearer(token("fz-nobody")), ("fz-nobody",), True),
        Sender(_bearer(token("fz%")), ("fz%",), True),
        Sender(_bearer(token("fz-bravo' --")), ("fz-bravo' --",), True),
        Sender(_bearer(token("FZ-BRAVO")), ("FZ-BRAVO",), True),
        Sender(_bearer(token())),
        Sender(_bearer(token(bravo, exp=1))),
        Sender(_bearer(token(bravo, role="root"))),
        Sender(_bearer(unsigned({"alg": "none"}, shops=[bravo]))),
        Sender(_bearer(jwt.encode({"shops": [bravo], "exp": 4e9}, "x" * 40, "HS256"))),
        Sender(_bearer(token(bravo)[:-3])),
        Sender(_bearer(token(bravo), "Basic")),
        Sender((("cookie", f"token={token(bravo)}"),)),
        Sender(()),
    ]
    # a second header of the same name is not read
    both = Sender((*_bearer(token(alpha)), *_bearer(token(bravo))), (alpha,), True)
    return [*found, both]


class Fuzz:
    """`parameters` by route; `theirs` are values that belong to shops: tags, cursors, places."""

    def __init__(self, seed: int, parameters: dict[str, list[str]], theirs: list[str]) -> None:
        self._draw = random.Random(seed)
        self._parameters = parameters
        self._theirs = theirs
        self._senders = senders()

    def request(self) -> Request:
        draw = self._draw
        # most of them reach something, or nothing would be seen
        sender = draw.choice(self._senders[:6] if draw.random() < 0.6 else self._senders)
        path = draw.choice(STRAY) if draw.random() < 0.05 else draw.choice(ROUTES)
        right = "POST" if path == "/auth/ticket" else "GET"
        method = draw.choice(["PUT", "DELETE", "HEAD", "POST", "OPTIONS", "GET"])
        pairs = self._query(path)
        return Request(
            right if draw.random() < 0.95 else method,
            path,
            self._encoded(pairs),
            (*sender.headers, ID, *self._headers()),
            reach(sender, path, [value for name, value in pairs if name == "shopId"]),
        )

    def _query(self, path: str) -> list[tuple[str, str]]:
        draw, found = self._draw, []
        if draw.random() < 0.6:
            found.append(("shopId", draw.choice([*SHOPS * 8, "fz-nobody", *ODD])))
        for name in self._parameters.get(path, []):
            if draw.random() < 0.2 and name not in ("shopId", "ticket"):
                odd = draw.random() < 0.2 or name not in GOOD
                found.append((name, draw.choice([*self._theirs, *ODD] if odd else GOOD[name])))
        if draw.random() < 0.05:
            found.append((draw.choice(EXTRA), draw.choice([*SHOPS, *ODD])))
        if found and draw.random() < 0.05:
            found.append((found[0][0], draw.choice([*SHOPS, *ODD])))
        draw.shuffle(found)
        return found

    def _headers(self) -> list[tuple[str, str]]:
        draw = self._draw
        names = (
            "if-none-match",
            "last-event-id",
            "x-shop-id",
            "x-forwarded-user",
            "x-http-method-override",
        )
        found = [(name, draw.choice(self._theirs)) for name in names if draw.random() < 0.08]
        if draw.random() < 0.2:
            found.append(("accept-encoding", "identity;q=1, *;q=0"))
        return found

    def _encoded(self, pairs: list[tuple[str, str]]) -> bytes:
        way = self._draw.choice([quote, quote_plus])
        return "&".join(f"{way(name)}={way(value)}" for name, value in pairs).encode()


def reach(sender: Sender, path: str, asked: list[str]) -> str | None:
    """The shop that an answer may be about: by the contract, not by the program."""
    if path not in ROUTES or (path != "/events" and not sender.admin):
        return None
    if len(asked) > 1:
        return None
    if asked:
        return asked[0] if asked[0] in sender.shops else None
    return sender.shops[0] if len(sender.shops) == 1 else None


async def ask(app: ASGIApp, request: Request, during: Any = None) -> Answer:
    """One request, as raw as a server hands it over; `during` runs once a stream has begun."""
    done, got = asyncio.Event(), []
    first = True

    async def receive() -> Message:
        nonlocal first
        if first:
            first = False
            return {"type": "http.request", "body": b"", "more_body": False}
        await done.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        got.append(message)
        if message.get("more_body") and len(got) == 2:
            if during:
                during()
            asyncio.get_running_loop().call_later(STREAM_SECONDS, done.set)

    scope = {
        "type": "http",
        "method": request.method,
        "path": request.path,
        "query_string": request.query,
        "headers": [
            (name.encode(), value.encode("latin-1", "replace")) for name, value in request.headers
        ],
    }
    await asyncio.wait_for(app(scope, receive, send), 30)
    body = b"".join(message.get("body", b"") for message in got)
    head = b"\n".join(name + b": " + value for name, value in got[0]["headers"])
    return Answer(got[0]["status"], head + b"\n\n" + body, body)
