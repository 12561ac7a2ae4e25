"""`POST /hooks/<platform>/<shop>`: from a signed payload to records in Kafka.

The steps: a signature, the body within its bounds, the signature over its bytes, the mapping of the platform, the rules
of the contract, Kafka. Nothing is parsed before the signature was checked.
"""

import re
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api import trace
from api.bodies import BodyMemory, Checks, read_timed_body
from api.documents import Hooked, Responses, problem, responses
from api.faults import ContentTooLarge, HookUnmapped, NotSigned
from api.hooks.secrets import Secrets
from api.hooks.signatures import HEADERS, is_signed
from api.ingest.sender import EventWriter
from api.limits import HOOK_BYTES
from api.problems import describe
from shopstream.contracts.reject import Refused
from shopstream.contracts.routing import Record, checked
from shopstream.contracts.values import IDENTIFIER_LENGTH
from shopstream.sources import NotJson, Shop, Unmapped, map_json

PATH = "/hooks/{platform}/{shop:path}"
"""An identifier may have a slash."""
TOPICS = {"shopify": "x-shopify-topic", "woocommerce": "x-wc-webhook-topic"}
"""By platform: the header of the topic; Stripe has it in the payload."""
_TEST = "x-shopify-test"
"""Says `true` where somebody has pressed *Send test notification*: the payload is an example."""
MEMORY_BYTES = 32 * 1024 * 1024
"""Bodies of all requests in progress, as far as they have arrived."""
ADDRESS_BYTES = MEMORY_BYTES // 8
"""Of one address."""
BIG_BYTES = 16 * 1024
"""A body of more is checked beside the event loop."""
PING_BYTES = 64
_PING = re.compile(rb"webhook_id=\d{1,20}")


class Counts(Protocol):
    """Counts webhooks by platform and by what became of them."""

    def hooked(self, platform: str, outcome: str) -> None: ...


class HookRoutes:
    """`clock` is Unix time. `by_address`: an address has a share of the memory for bodies; not behind a proxy, whose
    address all senders have."""

    def __init__(
        self,
        secrets: Secrets,
        writer: EventWriter,
        counts: Counts,
        clock: Callable[[], float],
        by_address: bool,
    ) -> None:
        self._secrets = secrets
        self._writer = writer
        self._counts = counts
        self._clock = clock
        share = ADDRESS_BYTES if by_address else MEMORY_BYTES
        self._memory = BodyMemory("Too many webhooks are being read.", MEMORY_BYTES, share)
        self._checks = Checks()

    async def take(self, request: Request) -> Response:
        """Maps a payload and writes its events to Kafka.

        Raises:
            NotSigned: there is no signature that fits, or no such platform or shop.
            HookUnmapped: no event can be made of the payload; nothing is written.
            RequestFault: the body, or Kafka is at fault.
        """
        platform, shop = request.path_params["platform"], request.path_params["shop"]
        known = platform if platform in HEADERS else "other"
        try:
            if HEADERS.get(platform, "") not in request.headers:
                return await self._without_signature(platform, request)
            with self._memory.slot(_address(request)) as take:
                body = await read_timed_body(request, take, HOOK_BYTES)
                found = await self._found(platform, shop, request, body)
        except NotSigned:
            self._counts.hooked(known, "unsigned")
            raise
        except HookUnmapped:
            self._counts.hooked(known, "refused")
            raise
        trace.of(request.scope).shop = shop
        if isinstance(found, str):
            self._counts.hooked(known, "ignored")
            return _answer({"ignored": found})
        await self._writer.write(found)
        self._counts.hooked(known, "written")
        return _answer({"events": len(found)})

    async def _without_signature(self, platform: str, request: Request) -> Response:
        """WooCommerce pings an address before it signs anything, and takes no other answer for a working one."""
        if platform == "woocommerce":
            with self._memory.slot(_address(request)) as take, suppress(ContentTooLarge):
                if _PING.fullmatch(await read_timed_body(request, take, PING_BYTES)):
                    return _answer({"ignored": "ping"})
        raise NotSigned

    async def _found(
        self, platform: str, shop: str, request: Request, body: bytes
    ) -> list[Record] | str:
        headers = dict(request.headers)

        def find() -> list[Record] | str:
            secrets = self._secrets.get((platform, shop))
            if not is_signed(platform, headers, body, secrets, self._clock()):
                raise NotSigned
            if platform == "shopify" and headers.get(_TEST, "").lower() == "true":
                return "a test notification"
            return _records(platform, shop, headers.get(TOPICS.get(platform, "")), body)

        return await self._checks.run(find, big=len(body) > BIG_BYTES)

    def router(self) -> APIRouter:
        routes = APIRouter(tags=["hooks"])
        routes.add_api_route(
            PATH,
            self.take,
            methods=["POST"],
            response_class=Response,
            responses=responses({200: {"model": Hooked}}, 408, 413, 503) | _PROBLEMS,
            openapi_extra={"parameters": _PARAMETERS, "requestBody": _BODY},
            summary="Take a webhook of a platform",
        )
        return routes


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _records(platform: str, shop: str, topic: str | None, body: bytes) -> list[Record] | str:
    """The records of a payload whose signature fits, or why it has none."""
    if topic is None and platform in TOPICS:
        raise HookUnmapped(TOPICS[platform], "is missing")
    try:
        mapped = map_json(topic, body, Shop(platform, shop))
        if mapped.ignored is not None:
            return mapped.ignored
        arrived = int(time.time())
        return [checked(orjson.dumps(event), arrived)[1] for event in mapped.events]
    except NotJson as error:
        raise HookUnmapped(None, f"The body is not JSON ({error}).") from None
    except Unmapped as error:
        raise HookUnmapped(error.field, error.rule) from None
    except Refused as error:
        raise HookUnmapped(error.refusal.field, error.refusal.message) from None


_PARAMETERS = [
    {
        "name": "platform",
        "in": "path",
        "required": True,
        "description": "The platform that sends",
        "schema": {"type": "string", "enum": [*HEADERS]},
    },
    {
        "name": "shop",
        "in": "path",
        "required": True,
        "description": "The shop whose events they are",
        "schema": {"type": "string", "minLength": 1, "maxLength": IDENTIFIER_LENGTH},
    },
]
_BODY = {
    "required": True,
    "description": "A payload as the platform sends it, signed in its header",
    "content": {"application/json": {"schema": {"type": "object"}}},
}
_PROBLEMS: Responses = {
    401: problem("No signature fits", example=describe(NotSigned()).body()),
    422: problem(
        "No event can be made of the payload",
        example=describe(HookUnmapped("updated_at", "is missing")).body(),
    ),
}


def _answer(document: dict[str, Any]) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(orjson.dumps(document), 200, headers, "application/json")
