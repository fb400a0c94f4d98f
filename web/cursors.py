"""Cursors: where the next page starts, signed, and good for the one list that gave them."""

from __future__ import annotations

from itsdangerous import BadData, URLSafeSerializer


class BadCursor(Exception):
    """The cursor was changed, or belongs to another list. Start again from the first page."""


class Cursors:
    """Makes and reads cursors; `bound` names the list: whose it is, its path and its filters."""

    def __init__(self, secret_key: str) -> None:
        self._secret_key = secret_key

    def write(self, after: str, bound: str) -> str:
        """A cursor that starts after this sort key."""
        text = self._serializer(bound).dumps(after)
        return text if isinstance(text, str) else text.decode()

    def read(self, cursor: str, bound: str) -> str:
        """The sort key to start after."""
        try:
            return str(self._serializer(bound).loads(cursor))
        except BadData as error:
            raise BadCursor from error

    def _serializer(self, bound: str) -> URLSafeSerializer:
        # The list is part of the key that signs, so that it need not be told in the cursor.
        return URLSafeSerializer(self._secret_key, salt=f"pranala.cursor\x1f{bound}")
