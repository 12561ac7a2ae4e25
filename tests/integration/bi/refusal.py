"""The code of ClickHouse's error for a statement."""

import re
from collections.abc import Mapping

from support.sql import Sql, SqlError

NO_GRANT = 497


def code(sql: Sql, statement: str, params: Mapping[str, str] | None = None) -> int:
    """0 where the engine runs it."""
    try:
        sql.text(statement, params=params)
    except SqlError as error:
        found = re.search(r"Code: (\d+)", str(error))
        assert found is not None, str(error)
        return int(found[1])
    return 0
