"""`python -m local.kafka --folder DIR --port 9092`: one node, in place of this process."""

import argparse
import os
import sys
from pathlib import Path
from typing import NoReturn

from local.kafka.install import install
from local.kafka.java import java_environment
from local.kafka.node import Node, command, prepare
from local.probes import check_ports, free_port
from shopstream.faults import Fault
from shopstream.settings import SettingsError, load


def main() -> NoReturn:
    """Does not return where the node can be started: Java takes the place of Python."""
    parser = argparse.ArgumentParser(prog="python -m local.kafka")
    parser.add_argument("--folder", type=Path, required=True, help="its settings and records")
    parser.add_argument("--port", type=int, default=9092)
    options = parser.parse_args()
    try:
        check_ports({"--port": options.port})
        runtime = install(load())
        node = Node(1, options.port, free_port(), options.folder.absolute())
        line = command(runtime, prepare(runtime, node))
    except (Fault, SettingsError) as fault:
        sys.exit(str(fault))
    except OSError as error:
        sys.exit(f"--folder {options.folder} cannot be used ({error.strerror}).")
    os.execve(line[0], line, java_environment())  # noqa: S606


if __name__ == "__main__":
    main()
