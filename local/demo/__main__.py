"""`python -m local.demo`: the process that `shopstream up --demo` starts."""

import sys

from local.demo.producer import main
from shopstream.broker import BrokerUnreachable
from shopstream.producer import ProducerError

if __name__ == "__main__":
    try:
        main()
    except (ProducerError, BrokerUnreachable) as error:
        sys.exit(str(error))
