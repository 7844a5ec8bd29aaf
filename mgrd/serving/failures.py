"""Why a server gave no reply: for now, or for this request as it stands. Raised and caught inside the pipeline."""

UNREACHABLE, REFUSED = "unreachable", "refused"
"""First words of the message: for now (the row is owed again), or for this request as it stands."""


class NoReplyError(Exception):
    """No reply came; the message opens with UNREACHABLE or REFUSED and says how the last try ended."""

    def __init__(self, message: str, requests: int) -> None:
        super().__init__(message)
        self.requests = requests

    @property
    def refused(self) -> bool:
        return str(self).startswith(REFUSED)


class NotACompletionError(Exception):
    """The server answered 200 with something else: a proxy's page, a cut body, an empty object."""
