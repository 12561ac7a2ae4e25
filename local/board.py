"""What every supervised process is doing, and what follows for the others. Pure."""

from enum import Enum, auto

from local.service import Service


class State(Enum):
    """DOWN: no process. STARTING: a process that is not ready. READY: it is."""

    DOWN = auto()
    STARTING = auto()
    READY = auto()


class Board:
    """States by name. Services come in start order; each relates only to earlier ones."""

    def __init__(self, services: tuple[Service, ...]) -> None:
        self._services = {service.name: service for service in services}
        self._states = dict.fromkeys(self._services, State.DOWN)
        self._once: set[str] = set()

    def set(self, name: str, state: State) -> None:
        self._states[name] = state
        if state is State.READY:
            self._once.add(name)

    def was_ready(self, name: str) -> bool:
        return name in self._once

    def all_ready(self) -> bool:
        return all(state is State.READY for state in self._states.values())

    def may_start(self, name: str) -> bool:
        """Whether everything that it starts after has been ready."""
        return all(other in self._once for other in self._services[name].starts_after)

    def has_what_it_needs(self, name: str) -> bool:
        """Whether everything that it starts after is ready now: without, it can only wait."""
        return all(
            self._states[other] is State.READY for other in self._services[name].starts_after
        )

    def stop_order(self) -> list[str]:
        """Every service, the last to start first."""
        return list(self._services)[::-1]
