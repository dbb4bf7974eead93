"""What can go wrong in the lab, said so that a person can go on."""


class LabError(Exception):
    """The lab cannot do that; the message says why, and the hint what to do next."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class FleetFileError(LabError):
    """The fleet file lacks something that the lab needs, or says it in a shape that the lab does not know."""


class UnknownHostError(LabError):
    """No host of this lab has that name."""


class HostNotReadyError(LabError):
    """A host was started and does not serve; the message ends with what its daemon wrote."""


class NotTheLabsError(LabError):
    """A file or an address that the lab would have to take over belongs to somebody else."""
