"""What every supervised process is doing, and what follows for the others. Pure."""

from enum import Enum, auto

from shopstream.local.service import Service


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
        """Notes a change."""
        self._states[name] = state
        if state is State.READY:
            self._once.add(name)

    def state(self, name: str) -> State:
        """What the service is doing."""
        return self._states[name]

    def was_ready(self, name: str) -> bool:
        """Whether it has ever been ready."""
        return name in self._once

    def all_ready(self) -> bool:
        """Whether every service is ready now."""
        return all(state is State.READY for state in self._states.values())

    def may_start(self, name: str) -> bool:
        """Whether its conditions hold, and nothing that lived on its memory still runs."""
        service = self._services[name]
        return (
            all(other in self._once for other in service.starts_after)
            and not self.must_stop(name)
            and all(self._states[other] is State.DOWN for other in self.dependents(name))
        )

    def must_stop(self, name: str) -> bool:
        """Whether a service that it restarts with is not ready."""
        needed = self._services[name].restarts_with
        return any(self._states[other] is not State.READY for other in needed)

    def dependents(self, name: str) -> list[str]:
        """The services that restart with this one, in the order in which they stop."""
        related = [s.name for s in self._services.values() if name in s.restarts_with]
        return related[::-1]

    def stop_order(self) -> list[str]:
        """Every service, the last to start first."""
        return list(self._services)[::-1]
