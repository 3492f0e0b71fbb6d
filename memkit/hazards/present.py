"""Which features a guest has, looked up when a rule asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memkit.hazards.scene import Scene

__all__ = ["Present"]


class Present(Mapping[str, tuple[str, ...]]):
    """The features that a guest has, each with the names of what has it; each is looked up once.

    >>> import memkit
    >>> from memkit.hazards import Scene
    >>> Present(Scene(memkit.boot("-m 1G -device virtio-balloon-pci,id=b")))["balloon"]
    ('b',)
    """

    def __init__(self, scene: Scene) -> None:
        from memkit.hazards.features import FEATURES

        self._scene, self._all = scene, FEATURES
        self._found: dict[str, tuple[str, ...]] = {}

    def names(self, feature: str) -> tuple[str, ...]:
        """What has ``feature``: ids and other names, () if nothing has it; raises KeyError if unknown."""
        names = self._found.get(feature)
        if names is None:
            names = self._found[feature] = tuple(self._all[feature].present(self._scene))
        return names

    def __getitem__(self, feature: str) -> tuple[str, ...]:
        names = self.names(feature)
        if not names:
            raise KeyError(feature)
        return names

    def __iter__(self) -> Iterator[str]:
        return (feature for feature in self._all if self.names(feature))

    def __len__(self) -> int:
        return sum(1 for _ in self)
