"""A place outside the ledger's database that remembers how far the ledger had got."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from retrain.core.ledger.entries import Head

__all__ = ["HeadLog"]


class HeadLog(Protocol):
    """Keeps heads of the ledger where writers of its database cannot change them."""

    def last(self) -> Head | None:
        """Return the kept head with the most entries; None if none was kept yet.

        Raises:
            OutageError: The place does not answer.
        """

    def keep(self, head: Head) -> None:
        """Keep a head; a second call with the same head changes nothing.

        Raises:
            OutageError: The place does not answer.
        """
