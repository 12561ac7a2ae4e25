"""`python -m shopstream.clickhouse.embedded --path DIR --port 8123`"""

import sys

from .server import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
