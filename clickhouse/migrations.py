"""Forward-only migrations: the numbered files of sql/schema, sql/windows and sql/bi, each once, with a record."""

import asyncio
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from clickhouse import sql, zone_offsets
from clickhouse.client import DATABASE, Address, ClickHouseClient
from clickhouse.errors import MigrationChanged
from shopstream.settings import Settings

FOLDERS = ("schema", "windows", "bi")
DATABASES = (DATABASE, "shopstream_bi")
TIMEOUT_SECONDS = 6 * 3600.0
"""Of one migration: some fill a table."""
_RECORD = """
CREATE TABLE IF NOT EXISTS migrations (
    number UInt32,
    name String,
    sha256 String,
    at DateTime('UTC') DEFAULT now()
)
ENGINE = MergeTree
ORDER BY number
"""


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str
    text: str

    @property
    def sha256(self) -> str:
        """Of the statement without comments and blanks, so that a comment may be corrected."""
        bare = re.sub(r"^\s*--.*$", "", self.text, flags=re.MULTILINE)
        return hashlib.sha256(" ".join(bare.split()).encode()).hexdigest()


def all_migrations() -> list[Migration]:
    return sorted(_read(), key=lambda migration: migration.number)


def _read() -> Iterator[Migration]:
    for folder in FOLDERS:
        for path in sql.names(folder):
            name = path.rpartition("/")[2].removesuffix(".sql")
            yield Migration(int(name.partition("_")[0]), name, sql.load(path))


def pending(every: Iterable[Migration], ran: dict[int, str]) -> list[Migration]:
    """Those that did not run yet.

    Raises:
        MigrationChanged: naming the first that differs from what ran.
    """
    todo = []
    for migration in every:
        before = ran.get(migration.number)
        if before is None:
            todo.append(migration)
        elif before != migration.sha256:
            raise MigrationChanged(f"migration {migration.name} was changed after it had run")
    return todo


async def migrate_engine(address: Address) -> list[str]:
    """Brings the engine to the present schema and time zones; the names of what ran."""
    async with ClickHouseClient(address, database="default") as engine:
        for database in DATABASES:
            await engine.execute(f"CREATE DATABASE IF NOT EXISTS {database} ENGINE = Atomic")
    async with ClickHouseClient(address, timeout=TIMEOUT_SECONDS) as engine:
        await engine.execute(_RECORD)
        rows = await engine.rows("SELECT number, sha256 FROM migrations")
        todo = pending(all_migrations(), {row["number"]: row["sha256"] for row in rows})
        for migration in todo:
            await engine.execute(migration.text)
            await engine.execute(
                "INSERT INTO migrations (number, name, sha256)"
                " SELECT {number:UInt32}, {name:String}, {sha256:String}",
                {"number": migration.number, "name": migration.name, "sha256": migration.sha256},
            )
        await zone_offsets.refresh(engine)
    return [migration.name for migration in todo]


def migrate(settings: Settings) -> list[str]:
    """As `migrate_engine`, for a process that has no event loop."""
    return asyncio.run(migrate_engine(Address.parse(settings.clickhouse_url.get_secret_value())))
