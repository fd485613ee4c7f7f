"""What the user of a device has agreed to beforehand: all updates, until he wants otherwise.

It stands on the data partition alone, and what cannot be read is none: then he is asked again.
"""

from typing import Final, Literal

from edge_agent.errors import StoreError
from edge_agent.store import Files

FILE: Final = "auto-confirm"
ConsentWord = Literal["auto-confirm", "ask-again"]
CONSENT_WORDS: Final[tuple[ConsentWord, ...]] = ("auto-confirm", "ask-again")


class Consent:
    """The word of the user for all updates; from any thread.

    Args:
        files: Of the agent.
    """

    def __init__(self, files: Files) -> None:
        self._files = files

    def is_given(self) -> bool:
        """Return whether nobody is to be asked."""
        try:
            return self._files.read(FILE) is not None
        except StoreError:
            return False

    def settle(self, word: ConsentWord) -> None:
        """Store that the user agrees to all updates, or that he is asked again.

        Raises:
            StoreError: It cannot be stored; what held before still does.
        """
        match word:
            case "auto-confirm":
                self._files.write_atomic(FILE, b"yes\n")
            case "ask-again":
                self._files.remove(FILE)
