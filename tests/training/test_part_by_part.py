"""Training the published network one part at a time, on a tiny one."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from rtsdb.classes import CAMVID
from rtsdb.data.scenes import Scene
from rtsdb.errors import UsageError
from rtsdb.models.checkpoint import load_weights
from rtsdb.training.loop import LOG, STATE, WEIGHTS, Progress, TrainConfig, Trainer, phase_weights
from rtsdb.training.phases import Learning, part_by_part

STEPS = 24
PHASES = part_by_part(
    2,
    25.0,
    Learning(STEPS, batch=2, height=64, width=96),
    Learning(STEPS, batch=2, height=32, width=32),
)
CONFIG = TrainConfig(PHASES, preset="tiny-sdabn")
SHORT = replace(CONFIG, phases=tuple(replace(phase, steps=2) for phase in PHASES))


def go(run: Trainer, *, until: int | None = None) -> list[Progress]:
    """Train to the end, or close the run after a step."""
    done = []
    with run:
        for progress in run:
            done.append(progress)
            if progress.step == until:
                break
    return done


@dataclass
class Trained:
    """A finished run, its progress, and the state of the net after every part."""

    folder: Path
    progress: list[Progress]
    after: dict[str, dict[str, Tensor]]


@pytest.fixture(scope="module")
def trained(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("parts")
    progress = go(Trainer(CONFIG, [scene], CAMVID, folder))
    files = {phase.name: folder / phase_weights(phase) for phase in PHASES}
    return Trained(
        folder, progress, {name: load_weights(p)[0].state_dict() for name, p in files.items()}
    )


def part(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The state of one part, without its number of steps, which is not stored."""
    return {
        name: value
        for name, value in state.items()
        if name.startswith(prefix) and not name.endswith("num_batches_tracked")
    }


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    assert one.keys() == other.keys()
    assert one
    return all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize("name", ["S1", "D1", "S2", "D2"])
def test_the_loss_of_every_part_falls(trained: Trained, name: str) -> None:
    losses = [progress.loss for progress in trained.progress if progress.phase == name]
    assert len(losses) == STEPS
    assert sum(losses[-4:]) < 0.97 * sum(losses[:4])


@pytest.mark.parametrize(
    ("before", "after", "learnt"),
    [
        ("S1", "D1", "blocks.0.denoiser."),
        ("D1", "S2", "blocks.1.segmenter."),
        ("S2", "D2", "blocks.1.denoiser."),
    ],
)
def test_all_other_parts_stay_bit_for_bit(
    trained: Trained, before: str, after: str, learnt: str
) -> None:
    """Batch normalisation's running statistics included."""
    one, other = part(trained.after[before], "blocks."), part(trained.after[after], "blocks.")
    common = one.keys() & other.keys()
    changed = {name for name in common if not torch.equal(one[name], other[name])}
    assert all(name.startswith(learnt) for name in changed)
    assert changed or learnt == "blocks.1.segmenter."  # which was not there before


def test_only_the_part_that_learns_is_in_training_mode(scene: Scene, tmp_path: Path) -> None:
    run = Trainer(SHORT, [scene], CAMVID, tmp_path)
    for progress in run:
        block, kind = int(progress.phase[1]) - 1, progress.phase[0]
        for index, sdb in enumerate(run.net.sdbs()):
            assert sdb.segmenter.training == (index == block and kind == "S")
            assert sdb.denoiser.training == (index == block and kind == "D")


def test_a_segmenter_starts_from_the_one_before(scene: Scene, tmp_path: Path) -> None:
    """At learning rate 0 only the statistics of batch normalisation move."""
    still = replace(SHORT, phases=tuple(replace(phase, lr=0.0) for phase in SHORT.phases))
    run = Trainer(still, [scene], CAMVID, tmp_path)
    for _ in run:
        pass
    first, second = (dict(sdb.segmenter.named_parameters()) for sdb in run.net.sdbs())
    assert same(first, second)
    denoisers = (dict(sdb.denoiser.named_parameters()) for sdb in run.net.sdbs())
    assert not same(*denoisers)


def test_every_part_leaves_weights_that_can_be_used(trained: Trained) -> None:
    for number, phase in enumerate(PHASES, start=1):
        net, metadata = load_weights(trained.folder / phase_weights(phase))
        assert net.stages == metadata.stages == phase.stages
        assert metadata.steps == number * STEPS
        assert len(net(torch.rand(1, 3, 64, 64), torch.zeros(1, 2))) == phase.stages
    last = load_weights(trained.folder / WEIGHTS)[0].state_dict()
    assert same(part(last, ""), part(trained.after["D2"], ""))


def test_the_log_names_the_part_of_every_step(trained: Trained) -> None:
    lines = [json.loads(line) for line in (trained.folder / LOG).read_text().splitlines()]
    assert [line["phase"] for line in lines] == [p.name for p in PHASES for _ in range(STEPS)]
    assert all(bool(line["cross_entropy"]) == (line["phase"][0] == "S") for line in lines)
    assert all(bool(line["psnr"]) == (line["phase"][0] == "D") for line in lines)


@pytest.fixture(scope="module")
def straight(
    scene: Scene, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Trainer, list[Progress]]:
    """A short run that nothing interrupted."""
    run = Trainer(SHORT, [scene], CAMVID, tmp_path_factory.mktemp("straight"))
    return run, go(run)


@pytest.mark.parametrize("at", [1, 2, 5])
def test_a_run_goes_on_exactly_from_within_a_part_and_from_between_two(
    scene: Scene, tmp_path: Path, straight: tuple[Trainer, list[Progress]], at: int
) -> None:
    first = go(Trainer(SHORT, [scene], CAMVID, tmp_path), until=at)
    torch.rand(7)
    resumed = Trainer(SHORT, [scene], CAMVID, tmp_path, resume=True)
    assert first + go(resumed) == straight[1]
    wanted = straight[0].net.state_dict()
    for name, value in resumed.net.state_dict().items():
        assert torch.equal(value, wanted[name]), name
    assert len((tmp_path / LOG).read_text().splitlines()) == 8
    assert torch.load(tmp_path / STATE, weights_only=True)["step"] == 8


def test_resuming_with_other_settings_of_a_part_is_refused(scene: Scene, tmp_path: Path) -> None:
    go(Trainer(SHORT, [scene], CAMVID, tmp_path), until=1)
    phases = (*SHORT.phases[:3], replace(SHORT.phases[3], batch=7))
    with pytest.raises(UsageError, match="has D2 batch 2, this command asks for 7"):
        Trainer(replace(SHORT, phases=phases), [scene], CAMVID, tmp_path, resume=True)
