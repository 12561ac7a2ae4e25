"""`shopstream migrate --bi-user`: makes the login of a BI tool."""

import asyncio
import os
import secrets
from collections.abc import Sequence

import typer

from clickhouse.bi_access import NOT_ALLOWED, ROLE, TAKEN, statements
from clickhouse.client import Address, ClickHouseClient
from clickhouse.errors import EngineError
from shopstream.faults import Fault
from shopstream.settings import Settings

PASSWORD = "SHOPSTREAM_BI_PASSWORD"  # noqa: S105


class NoBiUser(Fault):
    """The login cannot be made; `str()` is a sentence."""


def bi_password() -> str:
    """From the environment, else asked for twice; a command line would show it to everyone."""
    return os.environ.get(PASSWORD) or str(
        typer.prompt("Password of the BI user", hide_input=True, confirmation_prompt=True)
    )


def make_bi_user(settings: Settings, user: str, password: str, shops: Sequence[str]) -> None:
    """Makes `user`, who reads the views of these shops and nothing else.

    Raises:
        NoBiUser: the engine has no users, its login may make none, or the name is taken.
    """
    address = Address.parse(settings.clickhouse_url.get_secret_value())
    if user in (address.user, "default"):
        raise NoBiUser(f"--bi-user {user}: this login is not for BI tools")
    asyncio.run(_make(address, user, password, shops))


async def _make(address: Address, user: str, password: str, shops: Sequence[str]) -> None:
    try:
        async with ClickHouseClient(address) as engine:
            first, *rest = statements(user, password, secrets.token_hex(16), shops)
            await engine.execute(first)
            if await engine.rows(TAKEN, {"user": user, "role": ROLE}):
                raise NoBiUser(f"--bi-user {user}: there is a user of this name already")
            for statement in rest:
                await engine.execute(statement)
    except EngineError as error:
        if error.code not in NOT_ALLOWED:
            raise
        raise NoBiUser(
            "--bi-user: this ClickHouse lets us make no users. The one of `shopstream up` takes its logins from"
            " `up --bi-shop`; on a server the login of SHOPSTREAM_CLICKHOUSE_URL needs ACCESS MANAGEMENT"
        ) from None
