"""What an image cannot tell, wherever it is: nothing of it runs."""

from __future__ import annotations

from typing import NoReturn

from pytest_lucid.errors import ConfigError


class AtRest:
    """An image."""

    name: str

    def live(self, what: str) -> NoReturn:
        """Raise ConfigError: processes and a network are those of a container."""
        raise ConfigError(
            f"{what} cannot be judged: {self.name} is an image, and nothing of it runs. Start a container of it, and "
            "give lucid://CONTAINER."
        )
