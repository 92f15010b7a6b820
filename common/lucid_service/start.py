"""What the `__main__` of every service calls: environment in, exit code out."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from lucid_service.app import create_app
from lucid_service.config import ConfigError, Environment, read_config
from lucid_service.health import HEALTHY
from lucid_service.logs import configure_logging
from lucid_service.server import run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from lucid_service.api import Operation
    from lucid_service.app import Context

_BAD_CONFIGURATION = 2


def start(
    needs: Sequence[str] = (),
    operations: Sequence[Operation] = (),
    *,
    settings: Callable[[Environment], Any] | None = None,
    provide: Callable[[Context], AbstractAsyncContextManager[Any]] | None = None,
    condition: Callable[[Any], str] = lambda _service: HEALTHY,
) -> NoReturn:
    """Run a service that needs the containers named in `needs` and serves `operations`; ends the process.

    `settings` reads the service's own variables, `provide` makes its logic from them, `condition` says how
    that is: see `create_app`.
    Exit code 0 after SIGTERM or SIGINT, 1 if a port is taken, 2 if the environment cannot be used.
    """
    source = Environment(os.environ)
    config = read_config(source, needs)
    own = settings(source) if settings else None
    try:
        source.check()
    except ConfigError as error:
        sys.stderr.write(f"The service cannot start, its environment is wrong:\n{error}\n")
        sys.exit(_BAD_CONFIGURATION)
    configure_logging(config.service, config.log_level)
    sys.exit(run(create_app(config, operations, settings=own, provide=provide, condition=condition), config))
