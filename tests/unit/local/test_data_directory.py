import json
import os
import re
import stat
from pathlib import Path

import pytest

from local.directory import Addresses, Directory, DirectoryUnusable, Secrets
from shopstream.cli.environment import variables_of_up

ADDRESSES = Addresses("http://a", "k:1", "http://c", 9, "http://b", {"s-17": "http://s"}, 7, 4)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_secrets_are_made_once_and_only_for_their_owner(tmp_path: Path) -> None:
    directory = Directory(tmp_path / "new" / "data")
    first = directory.secrets()
    assert mode(directory.path / "secrets.json") == 0o600
    assert len(first.jwt) >= 32
    assert len({first.jwt, first.shopstream, first.bi}) == 3
    directory.release()
    again = Directory(tmp_path / "new" / "data")
    assert again.secrets() == first
    again.release()


@pytest.mark.parametrize("inside", [(), ("secrets.json",), ("up.lock", "logs.txt")])
def test_a_directory_that_is_open_to_others_is_closed(
    tmp_path: Path, inside: tuple[str, ...]
) -> None:
    path = tmp_path / "data"
    path.mkdir()
    for name in inside:
        (path / name).write_text(json.dumps({"jwt": "j", "shopstream": "s", "bi": "b"}))
    path.chmod(0o755)
    directory = Directory(path)
    assert mode(path) == 0o700
    directory.secrets()
    assert mode(path / "secrets.json") == 0o600
    directory.release()


def test_a_directory_of_somebody_else_is_neither_closed_nor_used(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("")
    tmp_path.chmod(0o775)
    with pytest.raises(DirectoryUnusable) as caught:
        Directory(tmp_path)
    assert str(caught.value) == (
        f"The data directory {tmp_path} cannot be used (it is open to others, mode 0775, and has files that are"
        " not of shopstream; chmod 700 makes it private): choose another with --data-dir."
    )
    assert mode(tmp_path) == 0o775
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_disk_without_space_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        Path("/dev/full").write_text("x")

    monkeypatch.setattr("local.directory.write_private", full)
    directory = Directory(tmp_path)
    for write in (directory.secrets, lambda: directory.announce(ADDRESSES)):
        with pytest.raises(DirectoryUnusable, match=r"No space left on device\): choose another"):
            write()
    directory.release()


def test_up_json_is_private_and_gone_after_the_end(tmp_path: Path) -> None:
    directory = Directory(tmp_path)
    directory.announce(ADDRESSES)
    assert mode(tmp_path / "up.json") == 0o600
    assert json.loads((tmp_path / "up.json").read_text()) == {
        "api": "http://a",
        "kafka": "k:1",
        "clickhouse": "http://c",
        "clickhouse_native_port": 9,
        "bi": "http://b",
        "bi_shops": {"s-17": "http://s"},
        "pid": 7,
        "kafka_partitions": 4,
        "pipeline": None,
        "kafka_version": None,
        "ready": False,
    }
    directory.release()
    assert not (tmp_path / "up.json").exists()


def test_what_a_killed_up_told_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / "up.json").write_text("{}")
    directory = Directory(tmp_path)
    assert not (tmp_path / "up.json").exists()
    directory.release()


def test_a_second_up_on_the_same_directory_is_refused(tmp_path: Path) -> None:
    directory = Directory(tmp_path)
    with pytest.raises(DirectoryUnusable) as caught:
        Directory(tmp_path)
    assert str(caught.value) == (
        f"The data directory {tmp_path} cannot be used (another `shopstream up` uses it,"
        f" process {os.getpid()}): choose another with --data-dir."
    )
    directory.release()


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(
        DirectoryUnusable, match=r"File exists\): choose another with --data-dir\.$"
    ):
        Directory(tmp_path / "data")


def test_secrets_of_something_else_are_refused(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text("{}")
    directory = Directory(tmp_path)
    with pytest.raises(DirectoryUnusable, match=r"secrets\.json is not readable"):
        directory.secrets()
    directory.release()


def test_the_password_of_a_shops_login_is_its_own_and_stays() -> None:
    ours, others = Secrets("j", "s", "b" * 43), Secrets("j", "s", "c" * 43)
    found = {ours.bi_of(shop) for shop in ("a", "b", "", "a b", "ä")}
    assert len(found) == 5
    assert all(re.fullmatch(r"[0-9a-f]{64}", each) for each in found)
    assert ours.bi_of("a") == Secrets("other", "other", "b" * 43).bi_of("a")
    assert ours.bi_of("a") != others.bi_of("a")


UP = {"kafka": "k:1", "clickhouse": "http://c", "kafka_partitions": 4}


def test_what_up_tells_completes_the_environment() -> None:
    assert variables_of_up(UP, {"jwt": "s"}, {}) == {
        "SHOPSTREAM_KAFKA_BOOTSTRAP": "k:1",
        "SHOPSTREAM_KAFKA_PARTITIONS": "4",
        "SHOPSTREAM_CLICKHOUSE_URL": "http://c",
        "SHOPSTREAM_JWT_SECRET": "s",
    }


def test_the_partitions_of_ups_broker_are_not_those_of_another() -> None:
    told = variables_of_up(UP, {}, {"SHOPSTREAM_KAFKA_BOOTSTRAP": "other:9092"})
    assert told == {"SHOPSTREAM_CLICKHOUSE_URL": "http://c"}


def test_without_up_nothing_is_told() -> None:
    assert variables_of_up({}, {}, {}) == {}


def test_a_comma_in_the_path_is_refused(tmp_path: Path) -> None:
    """Kafka would keep its records in two other places."""
    with pytest.raises(DirectoryUnusable, match="comma"):
        Directory(tmp_path / "a,b")
    assert list(tmp_path.iterdir()) == []
