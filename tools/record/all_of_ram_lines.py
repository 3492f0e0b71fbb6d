"""The guests that are asked about all of their RAM: odd sizes, so that each block is known by its size."""

from __future__ import annotations

__all__ = ["HALTED", "HALTING", "LINES"]

# A firmware of this many bytes; pc.bios is then as large as by default.
HALTING = 256 << 10
HALTED = ("-bios",)
_FLASH = {"/var/tmp/memkit-flash": 4 << 20}
_DIMM = "-object memory-backend-ram,id=m1,size=36M -device pc-dimm,id=d1,memdev=m1"
_SLOTS = "-m 100M,slots=4,maxmem=2G"

# Command line, and the files (path → bytes) that it needs.
LINES: tuple[tuple[str, dict[str, int]], ...] = (
    ("-m 100M", {}),
    ("-M q35 -m 100M -smp 2 -device virtio-balloon-pci", {}),
    ("-M q35 -m 100M -drive if=pflash,format=raw,readonly=on,file=/var/tmp/memkit-flash", _FLASH),
    (f"-M pc {_SLOTS} {_DIMM} -device virtio-balloon-pci", {}),
    ("-M q35,nvdimm=on -m 100M,slots=4,maxmem=4G "
     f"{_DIMM} "
     "-object memory-backend-file,id=n1,size=44M,mem-path=/var/tmp/memkit-nvdimm,share=on "
     "-device nvdimm,id=nv,memdev=n1,label-size=128K "
     "-object memory-backend-ram,id=v1,size=256M -device virtio-mem-pci,id=vm,memdev=v1 "
     "-object memory-backend-file,id=p1,size=52M,mem-path=/dev/shm/memkit-pmem,share=on "
     "-device virtio-pmem-pci,id=vp,memdev=p1 "
     "-object memory-backend-memfd,id=i1,size=4M,share=on -device ivshmem-plain,id=iv,memdev=i1,master=on "
     "-device virtio-balloon-pci -object memory-backend-ram,id=lost,size=60M", {}),
    ("-M pc,max-ram-below-4g=64M -m 100M", {}),
    ("-M q35,dump-guest-core=off -m 100M", {}),
    (f"-M pc,dump-guest-core=off {_SLOTS} "
     "-object memory-backend-ram,id=m1,size=36M,dump=on -device pc-dimm,memdev=m1", {}),
    (f"-M pc {_SLOTS} -object memory-backend-ram,id=m1,size=36M,dump=off,merge=off -device pc-dimm,memdev=m1 "
     "-object memory-backend-memfd,id=m2,size=44M,merge=off,dump=off,share=off "
     "-device pc-dimm,memdev=m2", {}),
    (f"-M pc,mem-merge=off {_SLOTS} "
     "-object memory-backend-ram,id=m1,size=36M,merge=on -device pc-dimm,memdev=m1", {}),
    (f"-M pc,memory-backend=ram {_SLOTS} -object memory-backend-memfd,id=ram,size=100M,share=on {_DIMM}", {}),
    ("-M q35,memory-backend=ram -m 100M "
     "-object memory-backend-file,id=ram,size=100M,mem-path=/dev/shm/memkit-ram,share=on", {}),
    ("-M q35,memory-backend=ram -m 100M -object memory-backend-ram,id=ram,size=100M,share=on "
     "-device virtio-balloon-pci", {}),
    ("-m 100M -mem-path /dev/shm", {}),
    ("-m 100M -smp 2 -object memory-backend-memfd,id=n0,size=36M,hugetlb=on,share=on "
     "-object memory-backend-memfd,id=n1,size=64M,share=off "
     "-numa node,nodeid=0,memdev=n0 -numa node,nodeid=1,memdev=n1", {}),
    ("-M pc,memory-backend=ram -m 100M -overcommit mem-lock=on "
     "-object memory-backend-memfd,id=ram,size=100M,hugetlb=on,share=on,prealloc=on", {}),
    (f"-M pc {_SLOTS} -overcommit mem-lock=on {_DIMM}", {}),
    (f"-M pc {_SLOTS} -object memory-backend-ram,id=m1,size=36M,prealloc=on -device pc-dimm,memdev=m1", {}),
    (f"-M pc {_SLOTS} -mem-prealloc {_DIMM}", {}),
    ("-M microvm -m 100M", {}),
    ("-M isapc -m 100M", {}),
    ("-m 100M -nodefaults -device VGA,vgamem_mb=32 -device bochs-display,vgamem=8M "
     "-object memory-backend-file,id=i1,size=4M,mem-path=/dev/shm/memkit-iv,share=on "
     "-device ivshmem-plain,memdev=i1", {}),
    ("-M pc,memory-backend=ram,max-ram-below-4g=64M -m 100M,slots=4,maxmem=2G "
     "-object memory-backend-memfd,id=ram,size=100M,hugetlb=on,share=on "
     "-object memory-backend-memfd,id=m1,size=36M,share=on -device pc-dimm,memdev=m1 "
     "-object memory-backend-memfd,id=m2,size=44M,share=off -device pc-dimm,memdev=m2", {}),
    ("-M q35,aux-ram-share=on,memory-backend=ram -m 100M "
     "-object memory-backend-memfd,id=ram,size=100M,share=on", {}),
)
