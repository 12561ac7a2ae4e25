"""What the tests of this folder share."""

from dataclasses import dataclass

from support.scene import Scene


@dataclass
class Ground:
    """A system that was set up by `shopstream migrate`, and what that said."""

    scene: Scene
    said: str
