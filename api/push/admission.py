"""How many streams may be open: in the process, from one address, and of one user of a shop."""

from collections import Counter
from collections.abc import Callable, Hashable

from api.faults import Busy, TooManyStreams

RETRY_SECONDS = 5


class Admission:
    """Slots for open streams; a limit of 0 is none."""

    def __init__(self, total: int, per_address: int, per_user: int) -> None:
        self._total = total
        self._per_address = per_address
        self._per_user = per_user
        self._open = 0
        self._addresses = Counter[str]()
        self._users = Counter[Hashable]()

    def __len__(self) -> int:
        return self._open

    def connection(self, address: str) -> Callable[[], None]:
        """Takes a slot for a connection from an address; what it returns frees the slot, once.

        Raises:
            Busy: the process is full.
            TooManyStreams: the address has as many as it may.
        """
        if self._total and self._open >= self._total:
            raise Busy("This process has as many streams as it may have.", RETRY_SECONDS)
        if self._per_address and self._addresses[address] >= self._per_address:
            raise TooManyStreams("This address has as many streams as it may have.", RETRY_SECONDS)
        self._open += 1
        release = _take(self._addresses, address)

        def free() -> None:
            if release():
                self._open -= 1

        return free

    def user(self, shop: str, user: str) -> Callable[[], object]:
        """Takes a slot for a stream of a user of a shop; what it returns frees the slot, once.

        Raises:
            TooManyStreams: the user has as many as it may.
        """
        if self._per_user and self._users[shop, user] >= self._per_user:
            raise TooManyStreams(
                "The token's user has as many streams of this shop as it may have.", RETRY_SECONDS
            )
        return _take(self._users, (shop, user))


def _take(counter: "Counter[Hashable] | Counter[str]", key: Hashable) -> Callable[[], bool]:
    counted: Counter[Hashable] = counter  # type: ignore[assignment]
    counted[key] += 1
    freed = False

    def release() -> bool:
        nonlocal freed
        if freed:
            return False
        freed = True
        counted[key] -= 1
        if not counted[key]:
            del counted[key]
        return True

    return release
