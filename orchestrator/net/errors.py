"""What can go wrong between the question and a complete answer, in words."""

from typing import Final, Literal

NetErrorKind = Literal[
    "connect", "timeout", "reset", "protocol", "too_many_redirects", "invalid_url", "tls", "too_large"
]

TRANSIENT: Final[frozenset[NetErrorKind]] = frozenset({"connect", "timeout", "reset"})

ADVICE: Final[dict[NetErrorKind, str]] = {
    "connect": "check the address, and that the server runs and can be reached from here",
    "timeout": "try again, or raise `timeouts: {connect, read}` of the backend",
    "reset": "try again; if it stays, look into the server's log",
    "protocol": "check that the address is that of an HTTP server",
    "too_many_redirects": "ask for the final address directly, or raise the limit",
    "invalid_url": "check the URL and the headers",
    "tls": "check that the server speaks https and that its certificate is valid and trusted here (SSL_CERT_FILE)",
    "too_large": "ask for less",
}


class NetError(Exception):
    """There is no answer, or not all of it. `kind` says what failed, the text says more and gives advice."""

    def __init__(self, kind: NetErrorKind, message: str) -> None:
        self.kind: NetErrorKind = kind
        self.message = message
        self.hint = ADVICE[kind]
        super().__init__(f"{message}; {self.hint}")

    @property
    def is_transient(self) -> bool:
        """Whether trying again may help."""
        return self.kind in TRANSIENT
