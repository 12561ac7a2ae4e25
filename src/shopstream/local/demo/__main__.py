"""`python -m shopstream.local.demo`: the process that `shopstream up --demo` starts."""

import sys

from shopstream.kafka import BrokerUnreachable
from shopstream.local.demo.producer import main
from shopstream.producer import ProducerError

if __name__ == "__main__":
    try:
        main()
    except (ProducerError, BrokerUnreachable) as error:
        sys.exit(str(error))
