"""Z: guests under IBM Secure Execution, whose memory the host must not read.

These need a Z host and could not be tried.  The words are those of QEMU's source.
"""

from __future__ import annotations

from collections.abc import Iterator

from memkit.hazards.mending import drop_option
from memkit.hazards.rule import Culprit, Rule
from memkit.hazards.scene import Scene
from memkit.host import Host

__all__ = ["RULES"]


def _guard(scene: Scene) -> str:
    """The object that protects the guest's memory, "" if that is none of Z's."""
    spec = scene.confidential
    return spec.id if spec is not None and spec.qom_type == "s390-pv-guest" else ""


def _stays(scene: Scene) -> Iterator[Culprit]:
    if guard := _guard(scene):
        yield Culprit(f"{guard} blocks migration once the guest has gone into secure mode.", (guard,))


def _balloon(scene: Scene) -> Iterator[Culprit]:
    guard = _guard(scene)
    for spec in scene.drivers("virtio-balloon") if guard else ():
        name = spec.id or spec.driver
        yield Culprit(f"{name} gives the host nothing back: {guard} forbids discarding.", (name, guard),
                      (spec.option,))


_SECURE = ("qemu-system-s390x -accel kvm -M s390-ccw-virtio,confidential-guest-support=pv0 "
           "-object s390-pv-guest,id=pv0 -m 1G")
_PLAIN = "qemu-system-s390x -accel kvm -m 1G"

RULES = (
    Rule(
        "s390-pv-no-migration", "A guest under Secure Execution cannot migrate", "refuses-operation",
        ("confidential", "migrate-precopy"),
        "The firmware of the machine keeps the guest's memory from the host, and QEMU has no way to save it. "
        "When the guest goes into secure mode, QEMU blocks migration: protected VMs are currently not "
        "migratable.",
        "shut the guest down and start it on the other host",
        ("hw/s390x/s390-virtio-ccw.c: s390_machine_protect, 7.2",),
        _stays, example=_SECURE, innocent=_PLAIN, operations=("migrate-precopy",), host=Host.of("s390x"),
        since="6.0", architectures=("s390x",),
    ),
    Rule(
        "s390-pv-balloon", "Secure Execution makes the balloon useless", "silent-misbehaviour",
        ("confidential", "balloon"),
        "A page of a protected guest cannot simply be taken from it. When the guest goes into secure mode, "
        "QEMU forbids discarding RAM: the guest still gives pages up, and nothing is freed.",
        "leave the balloon out, and plan for the full size",
        ("hw/s390x/s390-virtio-ccw.c: s390_machine_protect, 7.2",
         "hw/virtio/virtio-balloon.c: virtio_balloon_inhibited, 7.2"),
        _balloon, example=f"{_SECURE} -device virtio-balloon-ccw", innocent=f"{_PLAIN} -device "
        "virtio-balloon-ccw", host=Host.of("s390x"), mend=drop_option, since="6.0", architectures=("s390x",),
    ),
)
