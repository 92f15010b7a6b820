"""testinfra's User and Group, from the target's files."""

from __future__ import annotations

import datetime as dt

from testinfra.modules.group import Group
from testinfra.modules.user import User

from pytest_lucid.errors import EngineError
from pytest_lucid.sidecar.modules.base import SidecarModule
from pytest_lucid.sidecar.modules.databases import Account, entries, find, names_of

PASSWD, GROUP, SHADOW = "/etc/passwd", "/etc/group", "/etc/shadow"
EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - testinfra returns dates without a zone


class SidecarUser(SidecarModule, User):
    """A user by name or number, as `id` and `getent` find it."""

    def _account(self) -> Account:
        account = self._look()
        if account is None:
            raise EngineError(f"{self._where()} has no user {self.name!r}.")
        return account

    def _look(self) -> Account | None:
        files = self.read(PASSWD, GROUP)
        return Account.of(self.name, files.get(PASSWD, b""), files.get(GROUP, b""))

    def _where(self) -> str:
        return self.session().sidecar.target

    def _shadow(self, index: int) -> str:
        files = self.read(SHADOW)
        entry = find(files.get(SHADOW, b""), self.name)
        if entry is None:
            raise EngineError(f"{SHADOW} of {self._where()} has no entry for {self.name!r}.")
        return entry[index]

    @property
    def exists(self) -> bool:
        """Whether there is such a user."""
        return self._look() is not None

    @property
    def uid(self) -> int:
        """The number of the user."""
        return int(self._account().entry[2])

    @property
    def gid(self) -> int:
        """The number of the user's own group."""
        return self._account().gids[0]

    @property
    def gids(self) -> list[int]:
        """The numbers of all groups of the user, the own one first."""
        return list(self._account().gids)

    @property
    def group(self) -> str:
        """The name of the user's own group."""
        return self.groups[0]

    @property
    def groups(self) -> list[str]:
        """The names of all groups of the user; raises EngineError where one has none."""
        names = names_of(self.read(GROUP).get(GROUP, b""))
        missing = [gid for gid in self._account().gids if gid not in names]
        if missing:
            raise EngineError(f"the group {missing[0]} of user {self.name!r} has no name in {GROUP}.")
        return [names[gid] for gid in self._account().gids]

    @property
    def home(self) -> str:
        """The home directory."""
        return self._account().entry[5]

    @property
    def shell(self) -> str:
        """The login shell."""
        return self._account().entry[6]

    @property
    def gecos(self) -> str:
        """The comment."""
        return self._account().entry[4]

    @property
    def password(self) -> str:
        """The encrypted password."""
        return self._shadow(1)

    @property
    def password_max_days(self) -> int | None:
        """The days after which the password has to be changed."""
        return _number(self._shadow(4))

    @property
    def password_min_days(self) -> int | None:
        """The days before which the password cannot be changed."""
        return _number(self._shadow(3))

    @property
    def expiration_date(self) -> dt.datetime | None:
        """When the account ends."""
        days = _number(self._shadow(7))
        return EPOCH + dt.timedelta(days=days) if days and days > 0 else None

    @property
    def get_all_users(self) -> list[str]:
        """The names of all users."""
        return [entry[0] for entry in entries(self.read(PASSWD).get(PASSWD, b""))]

    @property
    def get_local_users(self) -> list[str]:
        """The names of all users but those that NIS marks."""
        return [name for name in self.get_all_users if not name.startswith("+")]


class SidecarGroup(SidecarModule, Group):
    """A group by name or number, as `getent` finds it."""

    def _entry(self) -> list[str]:
        entry = find(self.read(GROUP).get(GROUP, b""), self.name)
        if entry is None:
            raise EngineError(f"{self.session().sidecar.target} has no group {self.name!r}.")
        return entry

    @property
    def exists(self) -> bool:
        """Whether there is such a group."""
        return find(self.read(GROUP).get(GROUP, b""), self.name) is not None

    @property
    def gid(self) -> int:
        """The number of the group."""
        return int(self._entry()[2])

    @property
    def members(self) -> list[str]:
        """The names of the users that the group lists."""
        return [name for name in self._entry()[3].split(",") if name]

    @property
    def get_all_groups(self) -> list[str]:
        """The names of all groups."""
        return [entry[0] for entry in entries(self.read(GROUP).get(GROUP, b""))]

    @property
    def get_local_groups(self) -> list[str]:
        """The names of all groups."""
        return self.get_all_groups


def _number(text: str) -> int | None:
    return int(text) if text.lstrip("-").isdigit() else None
