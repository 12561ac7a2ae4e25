"""How many streams may be open: in the process, from one address, and of one user of a shop."""

from collections.abc import Callable, Hashable

from api.concurrency import Taken
from api.faults import Busy, TooManyStreams

RETRY_SECONDS = 5
_PROCESS = None


class Admission:
    """Slots for open streams; a limit of 0 is none."""

    def __init__(self, total: int, per_address: int, per_user: int) -> None:
        self._total = total
        self._per_address = per_address
        self._per_user = per_user
        self._open = Taken()
        """By address, by shop and user, and of the process."""

    def __len__(self) -> int:
        return self._open[_PROCESS]

    def connection(self, address: str) -> Callable[[], None]:
        """Takes a slot for a connection from an address; what it returns frees the slot, once.

        Raises:
            Busy: the process is full.
            TooManyStreams: the address has as many as it may.
        """
        if self._total and len(self) >= self._total:
            raise Busy("This process has as many streams as it may have.", RETRY_SECONDS)
        if self._per_address and self._open[address] >= self._per_address:
            raise TooManyStreams("This address has as many streams as it may have.", RETRY_SECONDS)
        return self._take(_PROCESS, address)

    def user(self, shop: str, user: str) -> Callable[[], None]:
        """Takes a slot for a stream of a user of a shop; what it returns frees the slot, once.

        Raises:
            TooManyStreams: the user has as many as it may.
        """
        if self._per_user and self._open[shop, user] >= self._per_user:
            raise TooManyStreams(
                "The token's user has as many streams of this shop as it may have.", RETRY_SECONDS
            )
        return self._take((shop, user))

    def _take(self, *keys: Hashable) -> Callable[[], None]:
        self._open.update(keys)
        taken = list(keys)

        def free() -> None:
            while taken:
                self._open.give_back(taken.pop())

        return free
