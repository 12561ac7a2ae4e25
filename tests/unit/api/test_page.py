import re

from api.page import load, policy


def test_the_page_needs_nothing_from_elsewhere() -> None:
    text = load()
    assert len(text.encode()) < 16_000
    links = re.findall(r'(?:src|href)\s*=\s*"([^"]*)"', text)
    assert links == ["data:,"]
    assert not re.search(r"@import|url\(|\bon\w+\s*=\s*\"|style=\"", text)


def test_only_its_own_script_and_style_may_run() -> None:
    assert re.search(r"script-src 'sha256-[\w+/=]{44}'; style-src 'sha256-[\w+/=]{44}'$", policy())
    assert "unsafe" not in policy()
