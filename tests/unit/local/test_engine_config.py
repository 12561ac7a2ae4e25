"""config.xml and users.xml of the engine: well formed for any shop, and closed to whoever has no login."""

from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest

from clickhouse.bi_access import views
from local.clickhouse.config import BI_LIMITS, ServerConfig, config_xml, users_xml
from local.clickhouse.logins import login

ENGINE = ServerConfig(Path("/data"), Path("/data/server"), Path("/logs/clickhouse.log"), 8123, 9000)
ODD = 'it\'s <2> & \\ "two" ]]> é'


@pytest.fixture
def users() -> Element:
    logins = {
        "app": login("a"),
        "bi": login("b", reads=True),
        "bi_1": login("c", reads=True, shop=ODD),
    }
    return fromstring(users_xml(logins, login("d")))


def found(root: Element, path: str) -> str:
    text = root.findtext(path)
    assert text is not None, path
    return text


def grants(users: Element, name: str) -> list[str | None]:
    return [query.text for query in users.findall(f"users/{name}/grants/query")]


def test_the_servers_listen_on_loopback_alone() -> None:
    root = fromstring(config_xml(ENGINE))
    assert [host.text for host in root.findall("listen_host")] == ["127.0.0.1"]
    assert (found(root, "http_port"), found(root, "tcp_port")) == ("8123", "9000")
    ports = [child.tag for child in root if child.tag.endswith("port")]
    assert ports == ["http_port", "tcp_port"]


def test_there_is_no_terminal_and_nobody_lands_in_the_local_database(users: Element) -> None:
    root = fromstring(config_xml(ENGINE))
    assert found(root, "enable_webterminal") == "0"
    local = found(root, "default_database")
    landed = {found(users, f"users/{name}/default_database") for name in ("app", "bi", "stop")}
    assert landed == {"default", "shopstream_bi"}
    assert local not in landed


def test_every_login_but_the_local_one_has_a_password(users: Element) -> None:
    names = [user.tag for user in users.findall("users/*")]
    assert names == ["default", "stop", "app", "bi", "bi_1"]
    open_ones = [n for n in names if users.find(f"users/{n}/password_sha256_hex") is None]
    assert open_ones == ["default"]
    assert {found(users, f"users/{name}/networks/ip") for name in names} == {"127.0.0.1"}


def test_the_local_login_starts_servers_and_has_used_up_its_statements_then(users: Element) -> None:
    assert grants(users, "default") == [
        "GRANT CREATE DATABASE ON default.*",
        "GRANT SYSTEM LISTEN ON *.*",
        "GRANT SELECT ON system.numbers",
        "GRANT SELECT ON system.one",
    ]
    assert found(users, "users/default/quota") == "start"
    assert found(users, "quotas/start/interval/queries") == "4"


def test_logins_for_bi_read_the_views_within_limits(users: Element) -> None:
    for name in ("bi", "bi_1"):
        assert grants(users, name) == ["GRANT SELECT ON shopstream_bi.*"]
        assert found(users, f"users/{name}/profile") == "bi"
    assert found(users, "profiles/bi/readonly") == "2"
    for name, limit in BI_LIMITS.items():
        assert found(users, f"profiles/bi/{name}") == str(limit)
        bounds = f"profiles/bi/constraints/{name}"
        assert (found(users, f"{bounds}/min"), found(users, f"{bounds}/max")) == ("1", str(limit))


@pytest.mark.parametrize("profile", ["default", "bi", "local"])
def test_nobody_calls_the_python_function(users: Element, profile: str) -> None:
    assert found(users, f"profiles/{profile}/allow_python_table_function") == "0"
    fixed = f"profiles/{profile}/constraints/allow_python_table_function/readonly"
    assert users.find(fixed) is not None


@pytest.mark.parametrize("profile", ["bi", "local"])
@pytest.mark.parametrize("setting", ["format_template_row", "format_schema"])
def test_no_format_opens_a_file(users: Element, profile: str, setting: str) -> None:
    assert users.find(f"profiles/{profile}/constraints/{setting}/readonly") is not None


def test_a_login_of_one_shop_has_a_filter_on_every_view(users: Element) -> None:
    filters = users.findall("users/bi_1/databases/shopstream_bi/*")
    assert sorted(view.tag for view in filters) == views()
    assert {found(view, "filter") for view in filters} == {
        "shop_id = 'it\\'s <2> & \\\\ \"two\" ]]> é'"
    }
    assert users.find("users/bi/databases") is None
