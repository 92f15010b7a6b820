"""What the `__main__` of every service calls: environment in, exit code out."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NoReturn

from lucid_service.app import create_app
from lucid_service.config import ConfigError, load_config
from lucid_service.logs import configure_logging
from lucid_service.server import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.routing import BaseRoute

_BAD_CONFIGURATION = 2


def start(needs: Sequence[str] = (), routes: Sequence[BaseRoute] = ()) -> NoReturn:
    """Run a service that needs the containers named in `needs` and serves `routes`; ends the process.

    Exit code 0 after SIGTERM or SIGINT, 1 if a port is taken, 2 if the environment cannot be used.
    """
    try:
        config = load_config(os.environ, needs)
    except ConfigError as error:
        sys.stderr.write(f"The service cannot start, its environment is wrong:\n{error}\n")
        sys.exit(_BAD_CONFIGURATION)
    configure_logging(config.service, config.log_level)
    sys.exit(run(create_app(config, routes), config))
