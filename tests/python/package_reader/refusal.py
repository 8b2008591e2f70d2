"""What a reader says when it does not accept: which part is wrong, and why."""


class Refused(Exception):
    """One part of a package breaks a rule."""

    def __init__(self, part: str, reason: str):
        super().__init__(f"`{part}`: {reason}")
        self.part = part
        self.reason = reason


class NotRead(Exception):
    """This reader lacks something that is no fault of the package. Never success."""


def demand(holds: bool, part: str, reason: str) -> None:
    """Refuses `part` if the rule does not hold."""
    if not holds:
        raise Refused(part, reason)
