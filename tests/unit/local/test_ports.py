import socket
from errno import EACCES

import pytest

from local.probes import PortInUse, SamePort, accepts, answers_ok, check_ports, free_port


def test_a_port_in_use_is_named_with_its_flag() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortInUse) as caught:
            check_ports({"--port": free_port(), "--kafka-port": port})
    assert str(caught.value) == f"Port {port} is in use: choose another with --kafka-port."


def test_a_port_that_nobody_may_take_is_not_said_to_be_in_use() -> None:
    refused = PortInUse(80, "--port", PermissionError(EACCES, "Permission denied"))
    assert str(refused) == "Port 80 cannot be used (Permission denied): choose another with --port."


def test_a_port_given_twice_is_named_with_both_flags() -> None:
    port = free_port()
    with pytest.raises(SamePort, match=f"^Port {port} is given twice: by --a and --b.$"):
        check_ports({"--a": port, "--b": port})


def test_free_ports_are_accepted() -> None:
    check_ports({"--a": free_port()})


async def test_nobody_answers_at_a_free_port() -> None:
    port = free_port()
    assert not await accepts(port)()
    assert not await answers_ok(port, "/ready")()


async def test_a_listener_accepts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert await accepts(server.getsockname()[1])()
