import pytest

from shopstream.clickhouse.embedded.errors import ServerError
from shopstream.clickhouse.embedded.kill import parse_kill
from shopstream.clickhouse.embedded.running import Running


def matched(where: str, *ids: str, **params: str) -> list[str]:
    kill = parse_kill(f"KILL QUERY WHERE {where}", params)
    assert kill is not None
    return [one for one in ids if kill.matches(Running(one, "app"))]


def test_conditions_on_the_id_are_understood():
    ids = ("a-1", "a-2", "b%1", "it's")
    assert matched("query_id = 'a-1'", *ids) == ["a-1"]
    assert matched("query_id LIKE 'a-%'", *ids) == ["a-1", "a-2"]
    assert matched("query_id LIKE 'b\\\\%1'", *ids) == ["b%1"]
    assert matched("query_id LIKE 'a__'", *ids) == ["a-1", "a-2"]
    assert matched("query_id IN ('a-2', 'it''s')", *ids) == ["a-2", "it's"]
    assert matched("query_id = 'it\\'s'", *ids) == ["it's"]
    assert matched("(query_id = {id:String})", *ids, id="a-1") == ["a-1"]
    assert matched("user = 'app' AND query_id LIKE '%1'", *ids) == ["a-1", "b%1"]
    assert matched("user = 'bi'", *ids) == []


@pytest.mark.parametrize(
    ("tail", "mode"),
    [("", "ASYNC"), (" SYNC", "SYNC"), (" test;", "TEST"), (" ASYNC FORMAT TSV", "ASYNC")],
)
def test_the_mode_follows_the_condition(tail: str, mode: str):
    kill = parse_kill(f"kill query where query_id = 'x'{tail}", {})
    assert kill is not None and kill.mode == mode


def test_another_kill_is_for_the_engine():
    assert parse_kill("KILL MUTATION WHERE database = 'x'", {}) is None


@pytest.mark.parametrize(
    ("where", "code"),
    [("1", 48), ("elapsed > 1", 48), ("query_id = 'a' OR 1", 48), ("query_id = {id:String}", 456)],
)
def test_other_conditions_are_refused(where: str, code: int):
    with pytest.raises(ServerError) as refused:
        parse_kill(f"KILL QUERY WHERE {where}", {})
    assert refused.value.code == code
