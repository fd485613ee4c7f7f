"""What can go wrong with the formats, messages and keys that host and device share.

SigningError
├── FormatError   bytes are not what the format says
├── TrustError    a signature, hash, expiry, version or identity does not hold
└── FetchError    a file of a repository can not be had
"""


class SigningError(Exception):
    """The root of all errors of this package.

    Args:
        message: What was wrong, with the value and the place.
        hint: What to try next.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class FormatError(SigningError):
    """Bytes are not what their format says, or a value does not fit into it."""


class TrustError(SigningError):
    """A signature, a hash, an expiry, a version or an identity does not hold."""


class FetchError(SigningError):
    """A file of a repository can not be had."""
