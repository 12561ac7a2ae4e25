"""Fetching a set of keys over HTTP: bounded in time and size, without redirects."""

import re
from urllib.parse import urlsplit

import aiohttp

from api.jwks import Fetched, FetchFault
from api.keys import NoUsableKeys, read_keys

TIMEOUT_SECONDS = 5.0
MOST_BYTES = 512 * 1024
FRESH_SECONDS = (60.0, 3600.0)
"""The shortest and the longest `max-age` that is followed."""
DEFAULT_SECONDS = 300.0
"""Where the answer does not say."""
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=\"?(\d{1,9})", re.IGNORECASE)
_NOT_KEPT = re.compile(r"(?:^|[\s,])no-(?:store|cache)(?:$|[\s,=])", re.IGNORECASE)


class KeyAddress:
    """One address. A connection of its own for each fetch: there are minutes between them."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._host = urlsplit(url).hostname

    async def fetch(self) -> Fetched:
        """The usable keys there.

        Raises:
            FetchFault: with a reason that names the host and nothing else of the address.
        """
        try:
            content, control = await self._get()
        except TimeoutError:
            raise FetchFault(f"{self._host} does not answer within {TIMEOUT_SECONDS:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise FetchFault(f"{self._host}: {type(error).__name__}") from None
        try:
            return Fetched(read_keys(content), fresh(control))
        except NoUsableKeys as fault:
            raise FetchFault(f"{self._host}: {fault}") from None

    async def _get(self) -> tuple[bytes, str]:
        limit = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        async with (
            aiohttp.ClientSession(timeout=limit) as session,
            session.get(
                self._url, allow_redirects=False, headers={"Accept": "application/json"}
            ) as answer,
        ):
            if answer.status != 200:
                raise FetchFault(f"{self._host} answers with status {answer.status}")
            content = bytearray()
            async for chunk in answer.content.iter_chunked(64 * 1024):
                content += chunk
                if len(content) > MOST_BYTES:
                    raise FetchFault(f"{self._host} sends more than {MOST_BYTES // 1024} KiB")
            return bytes(content), ", ".join(answer.headers.getall("Cache-Control", []))


def fresh(control: str) -> float:
    """Seconds that an answer with this `Cache-Control` is taken for fresh."""
    shortest, longest = FRESH_SECONDS
    if _NOT_KEPT.search(control):
        return shortest
    age = _MAX_AGE.search(control)
    return DEFAULT_SECONDS if age is None else min(longest, max(shortest, float(age[1])))
