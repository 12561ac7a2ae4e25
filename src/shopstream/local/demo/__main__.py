"""`python -m shopstream.local.demo`: the process that `shopstream up --demo` starts."""

import sys

from shopstream.kafka import BrokerUnreachable
from shopstream.local.demo.producer import main
from shopstream.local.faults import LocalFault

if __name__ == "__main__":
    try:
        main()
    except (LocalFault, BrokerUnreachable) as error:
        sys.exit(str(error))
