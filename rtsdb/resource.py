"""What is opened must be closed: the context manager behind engines, sources and sinks."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self


class Resource:
    """Something with a `close` that a `with` block calls.

    >>> class File(Resource):
    ...     def close(self) -> None: print("closed")
    >>> with File(): print("open")
    open
    closed
    """

    left_behind = False
    """Set where a call hangs in another thread: the `with` block then does not close it."""

    def close(self) -> None:
        """Give back what is held; safe to call twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self.left_behind:
            self.close()
