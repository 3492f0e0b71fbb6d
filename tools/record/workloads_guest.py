"""A guest of 247 bytes that writes its memory by a pattern and at a rate: firmware for ``-bios``.

There is no other firmware, so every page that it does not write stays zero.  It sleeps (``hlt``) and is woken
by the timer some thousand times a second.  Then it writes as many pages as are due by the processor's time
stamp counter: with ``burst=0`` every page that should have been written since the start (so a guest that was
late catches up, and the rate is exact), otherwise at most what is due in ``burst`` ticks, as a program does
that has lost the processor for a while.

The state lies in the page at gpa 0x1000, the stack too: pages written (4 bytes), a flag that says that the
region is filled, and the counter (in units of 256 ticks) when it was last awake.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

__all__ = ["BASE", "MULTIPLIER", "STATE", "STEP", "Program", "image"]

# The region that is written starts here, as seen by the guest (gpa).
BASE = 2 << 20
STATE = 0x1000
# A full-period generator (Numerical Recipes); the simulator has the same.
MULTIPLIER, STEP = 1664525, 1013904223
SIZE = 64 << 10
TIMER_HZ = 1193182

# 32-bit code at 0xffff0000; parameters at 0xffffe000, in EBX.
CODE = """
b8 10 00 00 00      mov  eax, 0x10           ; the flat data segment
8e d8               mov  ds, eax
8e c0               mov  es, eax
8e d0               mov  ss, eax
bc 00 20 00 00      mov  esp, 0x2000         ; the stack ends the page of the state
bb 00 e0 ff ff      mov  ebx, 0xffffe000
b0 11               mov  al, 0x11            ; interrupt controller: start, four words follow
e6 20               out  0x20, al
b0 20               mov  al, 0x20            ; its first vector
e6 21               out  0x21, al
b0 04               mov  al, 0x04            ; the second controller is at line 2
e6 21               out  0x21, al
b0 01               mov  al, 0x01            ; 8086 mode
e6 21               out  0x21, al
b0 fe               mov  al, 0xfe            ; only the timer may interrupt
e6 21               out  0x21, al
c7 05 50 03 e0 fe 00 07 00 00  mov dword [0xfee00350], 0x700  ; let its line through the APIC
b0 34               mov  al, 0x34            ; timer 0: rate generator
e6 43               out  0x43, al
8b 03               mov  eax, [ebx]          ; its divisor, low byte and high byte
e6 40               out  0x40, al
88 e0               mov  al, ah
e6 40               out  0x40, al
0f 01 5b 48         lidt [ebx+0x48]
b8 5a 5a 5a 5a      mov  eax, 0x5a5a5a5a     ; fill the region with what is not zero
8b 7b 04            mov  edi, [ebx+0x04]     ; where
8b 4b 08            mov  ecx, [ebx+0x08]     ; how many words of 4 bytes
f3 ab               rep stosd
8b 6b 0c            mov  ebp, [ebx+0x0c]     ; state of the pattern
0f 31               rdtsc
0f ac d0 08         shrd eax, edx, 8
89 c6               mov  esi, eax            ; ESI: when the next page is due
c7 05 04 10 00 00 01 00 00 00  mov dword [0x1004], 1
fb                  sti                      ; 65: sleep until the timer
f4                  hlt
fa                  cli
0f 31               rdtsc
0f ac d0 08         shrd eax, edx, 8
a3 08 10 00 00      mov  [0x1008], eax
89 c2               mov  edx, eax            ; EDX: now
8b 4b 10            mov  ecx, [ebx+0x10]     ; the burst, 0: catch up
e3 04               jecxz 7e
89 c6               mov  esi, eax
29 ce               sub  esi, ecx
89 d1               mov  ecx, edx            ; 7e: is a page due?
29 f1               sub  ecx, esi
7e e1               jle  65
03 73 14            add  esi, [ebx+0x14]     ; time for a page
8b 4b 18            mov  ecx, [ebx+0x18]     ; 0: sequential
e3 2c               jecxz b8
69 ed 0d 66 19 00   imul ebp, ebp, 1664525   ; the next random number
81 c5 5f f3 6e 3c   add  ebp, 1013904223
89 e8               mov  eax, ebp
c1 e8 08            shr  eax, 8
0f b6 c0            movzx eax, al            ; eight of its bits choose: hot or cold
89 ef               mov  edi, ebp
3b 43 1c            cmp  eax, [ebx+0x1c]     ; how many of 256 writes are hot
72 0a               jb   b1
8a 4b 20            mov  cl, [ebx+0x20]      ; the upper bits choose the page
d3 ef               shr  edi, cl
03 7b 24            add  edi, [ebx+0x24]     ; behind the hot pages
eb 11               jmp  c2
8a 4b 28            mov  cl, [ebx+0x28]      ; b1
d3 ef               shr  edi, cl
eb 0a               jmp  c2
89 ef               mov  edi, ebp            ; b8: sequential, and around
45                  inc  ebp
3b 6b 2c            cmp  ebp, [ebx+0x2c]
72 02               jb   c2
31 ed               xor  ebp, ebp
c1 e7 0c            shl  edi, 12             ; c2: write to page EDI of the region
03 7b 04            add  edi, [ebx+0x04]
8b 4b 30            mov  ecx, [ebx+0x30]     ; so many words
8b 43 34            mov  eax, [ebx+0x34]     ; this value
f3 ab               rep stosd
ff 05 00 10 00 00   inc  dword [0x1000]
eb a6               jmp  7e
50                  push eax                 ; d8: the timer's interrupt
b0 20               mov  al, 0x20
e6 20               out  0x20, al
58                  pop  eax
cf                  iret
"""
# 16-bit code at 0xffffff00, where the jump at the reset vector leads.
START = """
fa                  cli
2e 66 0f 01 16 50 e0  lgdt [cs:0xe050]
0f 20 c0            mov  eax, cr0
0c 01               or   al, 1               ; protected mode
0f 22 c0            mov  cr0, eax
66 ea 00 00 ff ff 08 00  jmp 0x08:0xffff0000
"""
RESET = bytes.fromhex("e9 0d ff")  # fff0: jmp ff00
IRQ = 0xFFFF00D8


@dataclass(frozen=True)
class Program:
    """What the guest does.  Pages are target pages of the region at BASE; times are 256 ticks of the counter.

    ``pattern`` is "sequential" over ``pages`` or "random"; of the random writes ``hot_share`` in 256 go to
    the first ``hot_pages``, the others to ``pages`` behind them (both powers of two).  ``fill`` pages are
    written once before the start.  A write changes ``words`` words of 4 bytes to ``value``.
    """

    pattern: str = "sequential"
    pages: int = 0
    fill: int = 0
    page_time: int = 1 << 30
    burst: int = 0
    hot_pages: int = 1
    hot_share: int = 0
    words: int = 1
    value: int = 0x01020304
    seed: int = 0
    hertz: int = 1000


def _bytes(listing: str) -> bytes:
    lines = (line.split("  ")[0] for line in listing.strip().splitlines())
    return bytes.fromhex(" ".join(lines))


def image(program: Program) -> bytes:
    """The firmware: 64 KiB, to be given with ``-bios``.

    >>> len(image(Program())), image(Program())[0xFFF0:0xFFF3].hex()
    (65536, 'e90dff')
    """
    rom = bytearray(SIZE)
    code, start = _bytes(CODE), _bytes(START)
    rom[: len(code)] = code
    rom[0xFF00 : 0xFF00 + len(start)] = start
    rom[0xFFF0 : 0xFFF0 + len(RESET)] = RESET
    random = program.pattern == "random"
    words = [
        TIMER_HZ // program.hertz, BASE, program.fill * 1024, program.seed, program.burst, program.page_time,
        int(random), program.hot_share, 33 - program.pages.bit_length() if random else 0,
        program.hot_pages if program.hot_share else 0, 33 - program.hot_pages.bit_length(),
        program.pages, program.words, program.value,
    ]
    rom[0xE000 : 0xE000 + 4 * len(words)] = struct.pack(f"<{len(words)}I", *words)
    idt, gdt = 0xFFFFE100, 0xFFFFE300
    rom[0xE048:0xE04E] = struct.pack("<HI", 0x21 * 8 - 1, idt)
    rom[0xE050:0xE056] = struct.pack("<HI", 3 * 8 - 1, gdt)
    rom[0xE100 + 0x20 * 8 : 0xE100 + 0x21 * 8] = struct.pack(
        "<HHHH", IRQ & 0xFFFF, 8, 0x8E00, IRQ >> 16
    )
    # Nothing, then code and data that see all 4 GiB.
    rom[0xE300:0xE318] = struct.pack("<QQQ", 0, 0x00CF9A000000FFFF, 0x00CF92000000FFFF)
    return bytes(rom)
