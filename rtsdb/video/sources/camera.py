"""A V4L2 camera as a source."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import av
from av.container import InputContainer
from av.error import InvalidDataError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from rtsdb.errors import RtsdbError, UsageError
from rtsdb.video.ffmpeg_errors import FFMPEG_ERRORS, reason
from rtsdb.video.frame import Image, SourceInfo, Stamp
from rtsdb.video.sources.base import Source
from rtsdb.video.sources.decoded import FrameWriter, stream_rate

_BAD_IN_A_ROW = 30  # webcams often begin with some broken pictures; this many are a fault


class CameraSource(Source):
    """Reads a camera at the size, rate and pixel format that its driver is set to.

    Times are the driver's (microseconds of the monotonic clock). `read` waits for the next
    picture. Raises UsageError when the device does not exist, RtsdbError when it cannot be
    opened or stops.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._container = _open(device)
        try:
            stream = self._container.streams.video[0]
            # Frame threads would hold pictures back, one for each thread.
            stream.thread_type = "SLICE"
            context = stream.codec_context
            self.info = SourceInfo(
                device, context.width, context.height, stream_rate(stream), live=True
            )
            self._frames = self._decode(stream)
            self._writer = FrameWriter(self.info, stream)
        except BaseException:
            self._container.close()
            raise

    def read(self, into: Image) -> Stamp | None:
        """Wait for the next picture and write it into `into` (uint8 [H, W, 3] RGB).

        Raises RtsdbError when the camera stops or changes its frame size.
        """
        try:
            frame = next(self._frames, None)
        except FFMPEG_ERRORS as error:
            raise self._stopped(reason(error)) from error
        if frame is None:
            raise self._stopped("it gives no more pictures")
        return self._writer.write(frame, into)

    def close(self) -> None:
        """Give the device back; safe to call twice."""
        self._frames.close()
        self._container.close()

    def _decode(self, stream: VideoStream) -> Generator[VideoFrame, None, None]:
        bad = 0
        for packet in self._container.demux(stream):
            try:
                frames = stream.decode(packet)
            except InvalidDataError:
                bad += 1
                if bad == _BAD_IN_A_ROW:
                    raise
                continue
            bad = 0
            yield from frames

    def _stopped(self, why: str) -> RtsdbError:
        return RtsdbError(
            f"{self._device}: the camera stopped at frame {self._writer.index} ({why}); "
            "check its cable and start again"
        )


def _open(device: str) -> InputContainer:
    if not os.path.exists(device):
        raise UsageError(f"{device}: no such camera; {_cameras_present()}")
    try:
        return av.open(device, "r", format="v4l2")
    except PermissionError as error:
        raise RtsdbError(
            f"{device}: no permission to read the camera; add yourself to the group 'video'"
        ) from error
    except (*FFMPEG_ERRORS, ValueError) as error:  # ValueError: an FFmpeg without V4L2
        raise RtsdbError(
            f"{device}: cannot capture from it ({reason(error)}); another program may hold it, "
            f"or it is no capture device: {_cameras_present()}"
        ) from error


def _cameras_present() -> str:
    """What to try instead: the devices that exist."""
    nodes = sorted(map(str, Path("/dev").glob("video[0-9]*")))
    if not nodes:
        return "there is no /dev/video* on this machine, so plug a camera in or give a file"
    return f"there is {', '.join(nodes)}"
