"""docs/bi.md lists every view with its columns, types and comments as they are made."""

import re

import pytest
from doc_pages import read, rows, section

from clickhouse import sql

PAGE = read("docs/bi.md")
MADE = {
    match[1]: sql.load(path)
    for path in sql.names("bi")
    if (match := re.search(r"VIEW shopstream_bi\.(\w+)", sql.load(path)))
}


def test_every_view_has_a_heading_and_there_are_no_others() -> None:
    assert sorted(re.findall(r"^### `(\w+)`$", PAGE, re.MULTILINE)) == sorted(MADE)


@pytest.mark.parametrize("view", MADE)
def test_the_columns_are_those_of_the_view(view: str) -> None:
    made = re.findall(r"^    (\w+) (.+) COMMENT '(.+?)',?$", MADE[view], re.MULTILINE)
    listed = [
        (row[0].strip("`"), row[1].strip("`"), row[2])
        for row in rows(section(PAGE, f"### `{view}`"))
    ]
    assert listed == made


def test_each_way_to_connect_is_three_lines() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert [len(block.splitlines()) for block in blocks] == [3, 3, 3, 3]
