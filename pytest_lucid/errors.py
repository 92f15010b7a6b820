"""The errors that end in one clear message for the person who runs Lucid; nothing else belongs here."""

from __future__ import annotations


class LucidError(Exception):
    """A problem that the user can solve: the message says where, what was expected, and what to do.

    `about` names what is wrong, such as `container lucid-x`, where other questions fail for the same reason; reports
    then tell it once.
    """

    def __init__(self, message: str = "", *, about: str = "") -> None:
        super().__init__(message)
        self.about = about


class ConfigError(LucidError):
    """What the user wrote is wrong: an option, a variable, the matrix, a Dockerfile that is not there."""


class EngineError(LucidError):
    """The container engine could not be reached, or refused what was asked of it."""


class MissingError(LucidError):
    """Something that the matrix demands is not there; in a check this is a failure, not an error."""


class NotStartedError(MissingError):
    """A program cannot be started where it was to run, in most cases because it is not there."""
