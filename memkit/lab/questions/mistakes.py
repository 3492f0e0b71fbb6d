"""The wrong ideas that questions know, each by a name that stays: what it is, in a few words."""

from __future__ import annotations

__all__ = ["MISTAKES"]

MISTAKES: dict[str, str] = {
    # addresses
    "forgot-the-hole": "the PCI hole forgotten",
    "decimal-sizes": "decimal gigabytes",
    "ram-addr-for-gpa": "ram_addr_t taken for a guest-physical address",
    "gpa-for-ram-addr": "a guest-physical address taken for ram_addr_t",
    "last-place": "the window filled from its end",
    "ignored-alignment": "the gap for alignment ignored",
    "hole-for-offset": "the size of the hole taken for the offset",
    "start-of-block": "the start of the block taken for the byte",
    "above-is-a-block": "RAM above 4 GiB taken for a block of its own",
    "alias-backwards": "the alias offset used backwards",
    "other-machine": "another machine type's layout",
    "all-above": "all of RAM put above 4 GiB",
    "hole-all-ram": "the hole below 4 GiB taken for RAM",
    "ignored-growth": "room to grow forgotten",
    "other-block": "another block",
    # regions
    "ignored-priority": "priority ignored",
    "container-answers": "a container taken for one that answers",
    "nobody-answers": "memory overlooked",
    "other-kind": "another kind of region",
    "ram-everywhere": "RAM expected everywhere below its size",
    # counting
    "counted-backends": "backends counted",
    "counted-ranges": "ranges of the FlatView counted",
    "counted-frontends": "frontends counted",
    "counted-kinds": "kinds of block counted",
    # pages
    "guest-page-for-host": "the guest's page size taken for the host's",
    "target-page-always": "the target page taken for the block's page",
    "file-is-huge": "a file taken for huge pages",
    "other-host": "the pages of another architecture's host",
    "first-block-for-all": "one block's pages taken for all",
    "pages-rounded-down": "pages that are only touched forgotten",
    "bytes-for-pages": "bytes counted as pages",
    "host-pages-dirty": "host pages counted instead of target pages",
    # sharing
    "file-is-shared": "every file taken for shared",
    "memory-is-private": "shared memory overlooked",
    "only-main-ram": "only main RAM looked at",
    "everything": "everything taken in",
    "only-asked-for": "only what the line asks for",
    "other-definition": "another meaning of all of RAM",
    # starting
    "starts-anyway": "a refusal overlooked",
    "refused-for-another": "another rule's refusal",
    "refused-though-fine": "a rule that does not apply",
    # releases
    "old-line-stays": "an old line taken for one that starts for ever",
    "newer-takes-more": "a newer release taken for one that takes more",
    "a-release-off": "the change dated one release off",
    "nobody-starts": "a line that starts taken for a wrong one",
    "newer-release": "a later release's behaviour",
    "old-statement": "a change since 2018 overlooked",
    "change-that-is-none": "a change where there is none",
    # boards
    "all-boards": "a line taken for one that all boards start",
    "pc-alone": "only the PC looked at",
    "other-boards": "another rule's boards",
    "other-board": "another board's layout",
    "forgot-the-base": "RAM taken to begin at 0",
    # naming and migration
    "backend-for-name": "the backend's id taken for the block's name",
    "region-for-name": "the region's name taken for the block's name",
    "no-name": "a block taken for nameless",
    "name-for-no-name": "a nameless block given a name",
    "expected-completes": "a trap overlooked",
    "expected-refused": "a refusal expected",
    "expected-fails": "a failure expected",
    "expected-corrupts": "lost memory expected",
    # hazards
    "hazard-of-another": "another guest's hazard",
    "does-not-mend": "a change that does not reach the cause",
}
