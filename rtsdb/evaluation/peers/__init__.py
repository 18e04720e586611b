"""The denoisers that users have today, to be judged beside ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from rtsdb.errors import UsageError
from rtsdb.evaluation.peers.base import Peer, PeerMissing
from rtsdb.evaluation.peers.ffdnet import open_ffdnet
from rtsdb.evaluation.peers.ffmpeg import open_ffmpeg
from rtsdb.evaluation.peers.opencv import open_nlm

PEERS: dict[str, Callable[[bool], Peer]] = {
    "nlm": open_nlm,
    "ffmpeg-nlmeans": partial(open_ffmpeg, "nlmeans"),
    "ffmpeg-bm3d": partial(open_ffmpeg, "bm3d"),
    "ffmpeg-atadenoise": partial(open_ffmpeg, "atadenoise"),
    "ffdnet": open_ffdnet,
}
"""What opens each peer; the argument tells whether frames are 8-bit."""


def open_peers(names: Iterable[str], *, eight_bit: bool) -> tuple[list[Peer], dict[str, str]]:
    """The peers that can be judged here, and of the others why they cannot.

    Raises UsageError for a name that is not in `PEERS`.

    >>> peers, missing = open_peers(["nlm"], eight_bit=True)
    >>> peers[0].about, missing
    ('OpenCV fastNlMeansDenoisingColored, h = 0.75 sigma', {})
    """
    peers, missing = [], {}
    for name in names:
        if name not in PEERS:
            raise UsageError(f"--peers {name}: no such peer; choose from: {', '.join(PEERS)}")
        try:
            peers.append(PEERS[name](eight_bit))
        except PeerMissing as reason:
            missing[name] = str(reason)
    return peers, missing
