"""A program of some 170 bytes that makes itself the subreaper of what it starts, and becomes another program.

A sidecar's commands run in the process namespace of the target. A process that outlives its parent becomes a child of
the nearest subreaper above it; without one, a child of the target's first process, where it stays as a zombie after
its end unless that process waits for children that it never had. No applet of busybox can ask the kernel for it
(prctl(2), PR_SET_CHILD_SUBREAPER), hence a program; see prctl(2), execve(2).
"""

from __future__ import annotations

from pytest_lucid.sidecar.program import executable

PATH = "/run/subreaper"
# By the engine's name of an architecture.
LISTINGS = {
    "amd64": (
        "b8 9d000000"  # mov eax, 157         prctl(
        "bf 24000000"  # mov edi, 36            PR_SET_CHILD_SUBREAPER,
        "be 01000000"  # mov esi, 1             1
        "0f05"  # syscall                     )
        "488b0424"  # mov rax, [rsp]          argc
        "488d742410"  # lea rsi, [rsp+16]     execve(argv[1], &argv[1], envp)
        "488b3e"  # mov rdi, [rsi]
        "488d54c410"  # lea rdx, [rsp+rax*8+16]
        "b8 3b000000"  # mov eax, 59
        "0f05"  # syscall
        "bf 7f000000"  # mov edi, 127         exit(127)
        "b8 3c000000"  # mov eax, 60
        "0f05"  # syscall
    ),
    "arm64": (
        "e81480d2"  # mov x8, #167            prctl(
        "800480d2"  # mov x0, #36               PR_SET_CHILD_SUBREAPER,
        "210080d2"  # mov x1, #1                1
        "010000d4"  # svc #0                  )
        "e90340f9"  # ldr x9, [sp]            argc
        "e1430091"  # add x1, sp, #16         execve(argv[1], &argv[1], envp)
        "200040f9"  # ldr x0, [x1]
        "e26f298b"  # add x2, sp, x9, uxtx #3
        "42400091"  # add x2, x2, #16
        "a81b80d2"  # mov x8, #221
        "010000d4"  # svc #0
        "e00f80d2"  # mov x0, #127            exit(127)
        "a80b80d2"  # mov x8, #93
        "010000d4"  # svc #0
    ),
}


def program(architecture: str) -> bytes | None:
    """Return it as a static ELF executable; None for an architecture that it is not written for."""
    return executable(architecture, LISTINGS)
