"""Variables that decide what code a process runs, or whom it trusts and talks to, whatever the program itself reads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# What the loader and libc obey is glibc's own list of what a setuid program must not inherit (unsecvars.h); then
# interpreters, TLS libraries, and the proxies that HTTP and gRPC clients take from their environment.
STEERING = re.compile(
    r"""
    LD_\w+ | GLIBC_TUNABLES | GCONV_PATH | GETCONF_DIR | HOSTALIASES | LOCALDOMAIN | LOCPATH | MALLOC_\w+ | NIS_PATH
    | NLSPATH | RES_OPTIONS | RESOLV_HOST_CONF | TMPDIR | TZDIR
    | PATH | HOME | SHELL | ENV | BASH_ENV | IFS
    | PYTHON\w* | UVICORN_\w+ | GUNICORN_CMD_ARGS
    | NODE_OPTIONS | NODE_PATH | _?JAVA_(TOOL_)?OPTIONS | JDK_JAVA_OPTIONS | CLASSPATH | PERL5?(LIB|OPT) | RUBY(LIB|OPT)
    | DOTNET_STARTUP_HOOKS | COR(ECLR)?_(ENABLE_PROFILING|PROFILER\w*)
    | OPENSSL_\w+ | SSL_CERT_(FILE|DIR) | SSLKEYLOGFILE | (REQUESTS|CURL)_CA_BUNDLE | KRB5_\w+
    | GRPC_DEFAULT_SSL_ROOTS_FILE_PATH
    | \w+_PROXY
    """,
    re.VERBOSE | re.IGNORECASE,
)


def steering(names: Iterable[str]) -> list[str]:
    """Those of `names` that steer, sorted."""
    return sorted(name for name in names if STEERING.fullmatch(name))
