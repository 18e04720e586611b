"""Several recordings processed one after the other, each to outputs of its own."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from rtsdb.engine.base import Engine
from rtsdb.errors import RtsdbError, UsageError
from rtsdb.pipeline.command import RunRequest
from rtsdb.pipeline.outputs import close_output
from rtsdb.pipeline.processing import Processing
from rtsdb.recordings.join import discard, join, publish
from rtsdb.recordings.journal import Journal, Progress, Settings, SourceFacts
from rtsdb.recordings.plan import Recording, pieces_folder, plan_recordings
from rtsdb.recordings.segment import count_whole, discard_rest
from rtsdb.recordings.sink import SegmentSink
from rtsdb.video.ffmpeg_errors import reason
from rtsdb.video.sinks import SinkOptions
from rtsdb.video.sinks.encoder import choose_encoder
from rtsdb.video.sources.file import VideoFileSource
from rtsdb.video.sources.open import video_files
from rtsdb.weights import find_model

State = Literal["done", "continued", "already done", "interrupted", "failed", "waiting"]
"""What became of a recording. continued: done, where an earlier run had begun it. waiting: it had
no turn before Ctrl-C."""


_A_SIZE = 640, 480
"""Width and height for which an encoder is tried before any recording has its turn."""


@dataclass(frozen=True)
class Ended:
    """What became of a recording.

    frames: in its outputs, or safe in segments. fps: at which this run made some, 0 where it made
    none. error: of one that failed, and why: the same in one line, with what is kept.
    """

    recording: Recording
    state: State
    frames: int
    fps: float = 0.0
    error: Exception | None = None
    why: str | None = None


class Watcher(Protocol):
    """Whom `run_recordings` tells how far it is."""

    def start(self, recording: Recording, place: str, done: int, total: int | None) -> None:
        """A recording has its turn; place: such as '2 of 5'. `done` of its frames are there."""

    def advance(self, done: int) -> None:
        """So many frames of the recording are there now."""

    def end(self, ended: Ended) -> None:
        """The turn of a recording is over."""


def run_recordings(request: RunRequest, watcher: Watcher) -> list[Ended]:
    """Process all sources that are not done, and tell what became of each.

    One that fails leaves what was finished of it, for the same request to go on with, and the
    next has its turn. Ctrl-C leaves as much, and ends the run. Raises UsageError for what is no
    recording, an encoder that does not work here, and a folder of outputs that was begun with
    other settings.
    """
    if request.paced or request.report is not None:
        option = "--pace source" if request.paced else "--report"
        raise UsageError(f"--resume: does not go together with {option}")
    processing = request.processing
    options = SinkOptions(request.encoder, processing.classes, processing.view)
    if options.encoder != "auto":
        choose_encoder(options.encoder, _A_SIZE)
    sources = video_files(request.sources)
    settings = _settings(request)
    recordings = plan_recordings(sources, request.sinks, request.labels, request.metadata)
    ended: list[Ended] = []
    stopped = False
    with ExitStack() as opened:
        journal = opened.enter_context(Journal(recordings[0].video.parent, settings))
        engine = None
        if not all(_is_done(recording, journal) for recording in recordings):
            engine = opened.enter_context(processing.load_engine())
        for number, recording in enumerate(recordings, start=1):
            place = f"{number} of {len(recordings)}"
            turn = _Turn(recording, place, request, options, journal, watcher)
            ended.append(turn.ended("waiting") if stopped else turn.take(engine))
            watcher.end(ended[-1])
            stopped = stopped or turn.interrupted
            if engine is not None and ended[-1].state == "failed":
                engine = opened.enter_context(_free(engine, processing))
    return ended


@dataclass
class _Turn:
    """A recording's turn in a run."""

    recording: Recording
    place: str
    request: RunRequest
    options: SinkOptions
    journal: Journal
    watcher: Watcher
    fps: float = 0.0
    interrupted: bool = False

    def take(self, engine: Engine | None) -> Ended:
        """Bring the recording as far as it goes; engine: None only where it is done."""
        try:
            return self.ended(self._process(engine))
        except KeyboardInterrupt:
            self.interrupted = True
            return self.ended("interrupted")
        except (RtsdbError, OSError) as error:
            return self.ended("failed", error)

    def _process(self, engine: Engine | None) -> State:
        recording, journal, name = self.recording, self.journal, self.recording.name
        facts = _facts(recording.source)
        if _is_done(recording, journal):
            _check_unchanged(recording, journal, facts)
            discard(recording)
            return "already done"
        progress = self._find_place(facts)
        continued = bool(progress.segments)
        if not progress.ended:
            assert engine is not None
            self._make_frames(engine, progress)
            if self.interrupted:
                return "interrupted"
            journal.end(name)
        join(recording, progress.segments)
        _check_unchanged(recording, journal, _facts(recording.source))
        publish(recording)
        journal.done(name)
        discard(recording)
        return "continued" if continued else "done"

    def _find_place(self, facts: SourceFacts) -> Progress:
        """Where to go on: behind the segments that are there, or at the beginning."""
        recording, journal, name = self.recording, self.journal, self.recording.name
        progress = journal.progress(name)
        whole = 0 if progress is None else count_whole(recording, progress.segments)
        discard_rest(recording, whole)
        if progress is not None and whole:
            _check_unchanged(recording, journal, facts)
            if whole < len(progress.segments):
                journal.keep(name, whole)
            return progress
        for output in recording.outputs:
            if output.exists():
                raise RtsdbError(
                    f"{output}: is there already, and not by this command; move it away, or "
                    "choose another folder"
                )
        return journal.begin(name, facts)

    def _make_frames(self, engine: Engine, progress: Progress) -> None:
        """Process the frames that are missing; those that are finished are safe, come what may."""
        request, done = self.request, progress.frames
        with (
            VideoFileSource(self.recording.source, request.source_options.decode) as source,
            SegmentSink(self.recording, self.journal, self.options) as sink,
        ):
            if progress.segments:
                source.continue_after(progress.segments[-1].stamps[-1])
            total = min(filter(None, (source.info.frames, request.frames)), default=None)
            self.watcher.start(self.recording, self.place, done, total)
            pipeline = request.processing.pipeline(
                source,
                engine,
                sink,
                max_frames=None if request.frames is None else request.frames - done,
                progress=lambda made: self.watcher.advance(done + made),
            )
            try:
                pipeline.run()
            finally:
                self.fps, self.interrupted = pipeline.summary.fps, pipeline.summary.interrupted
            close_output(sink)

    def ended(self, state: State, error: RtsdbError | OSError | None = None) -> Ended:
        """What to tell of the recording."""
        progress = self.journal.progress(self.recording.name)
        frames = 0 if progress is None else progress.frames
        why = None
        if error is not None:
            why = str(error)
            if isinstance(error, OSError):
                why = f"{error.filename or self.recording.source}: {reason(error)}"
            if progress is not None and progress.segments:
                folder = pieces_folder(self.recording.video)
                why += f"; the {frames} frames finished before are in {folder}"
        return Ended(self.recording, state, frames, self.fps, error, why)


def _free(engine: Engine, processing: Processing) -> Engine:
    """An engine in which no frame of a failed recording is under way."""
    if engine.left_behind:
        return processing.load_engine()
    engine.close()  # to be prepared anew
    return engine


def _is_done(recording: Recording, journal: Journal) -> bool:
    progress = journal.progress(recording.name)
    outputs_there = all(output.is_file() for output in recording.outputs)
    return progress is not None and progress.done and outputs_there


def _check_unchanged(recording: Recording, journal: Journal, facts: SourceFacts) -> None:
    """Raise RtsdbError where the source is another file than the one that was begun with."""
    progress = journal.progress(recording.name)
    if progress is not None and progress.source != facts:
        place = recording.video if progress.done else pieces_folder(recording.video)
        raise RtsdbError(
            f"{recording.source}: is not the file that {place} was made of (another path, size "
            "or time of change); move that away to start anew"
        )


def _facts(source: Path) -> SourceFacts:
    stat = source.stat()
    return {"path": str(source.resolve()), "size": stat.st_size, "mtime_ns": stat.st_mtime_ns}


def _settings(request: RunRequest) -> Settings:
    """All that the outputs depend on beside their sources, by option.

    Not --decode: every decoder gives the same pictures, and one that is missing now is no reason
    to begin anew.
    """
    processing = request.processing
    return {
        "--model": f"{processing.model} (SHA-256 {_digest(processing.model, processing.stages)})",
        "--stages": str(processing.stages),
        "--engine": processing.engine,
        "--precision": processing.precision,
        "--tile": processing.tile,
        "--sigma": processing.sigma,
        "--simulate-noise": processing.simulate_noise,
        "--view": processing.view,
        "--frames": None if request.frames is None else str(request.frames),
        "--encoder": request.encoder,
        "--labels": _absolute(request.labels),
        "--metadata": _absolute(request.metadata),
    }


def _digest(model: str, stages: int) -> str:
    files = find_model(model, stages)
    digest = hashlib.sha256()
    for path in (files.weights, files.onnx):
        if path is not None:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _absolute(path: str | None) -> str | None:
    return None if path is None else str(Path(path).resolve())
