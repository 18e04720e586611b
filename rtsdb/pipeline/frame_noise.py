"""The noise level that each frame is given to the engine with."""

from __future__ import annotations

from rtsdb.noise import NoiseLevel, NoiseTracker
from rtsdb.pipeline.ring import Passage


class FrameNoise:
    """One level for all frames, or estimates from frame to frame.

    A live frame does not wait for its own estimate: it gets that of the frames before it, and
    what it adds is learnt while the engine computes it.

    sigma: the level in grey levels, None to estimate it. live: of the source.
    """

    def __init__(self, sigma: float | None, *, live: bool) -> None:
        self._given = None if sigma is None else NoiseLevel.awgn(sigma)
        self._live = live
        self._tracker = NoiseTracker()
        self._latest: NoiseLevel | None = None
        self._learnt = -1  # number of the frame that was estimated last

    def find(self, passage: Passage) -> NoiseLevel:
        """The level for a frame that is to be submitted."""
        if self._given is not None:
            return self._given
        if self._latest is None or not self._live:
            with passage.trace.stage("estimate"):
                return self._estimate(passage)
        return self._latest

    def learn(self, passage: Passage) -> None:
        """Take a live frame under way into account, once, for those after it."""
        assert passage.stamp is not None
        if self._given is None and passage.stamp.index != self._learnt:
            self._estimate(passage)

    def _estimate(self, passage: Passage) -> NoiseLevel:
        assert passage.stamp is not None
        self._latest = self._tracker.update(passage.frame)
        self._learnt = passage.stamp.index
        return self._latest
