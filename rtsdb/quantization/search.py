"""The plan that is handed out: the best ranges, and as much in INT8 as the accuracy allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rtsdb.errors import RtsdbError
from rtsdb.onnx_file import INT8_FORMS
from rtsdb.quantization.accuracy import Accuracy, Bars, Excess, Losses, lost, measure, worst
from rtsdb.quantization.frames import Sample
from rtsdb.quantization.layers import Activation, few_channels
from rtsdb.quantization.plan import Plan, Reach
from rtsdb.quantization.progress import Progress
from rtsdb.quantization.qdq import with_qdq
from rtsdb.quantization.sensitivity import Cost, Probe
from rtsdb.quantization.session import Session

if TYPE_CHECKING:
    import onnx

LEAST = 0.5
"""Part of the convolutions that must be INT8 for a network to be called so."""

_MARGIN = 1.2
"""How much more is won back than the check frames ask for: the probe sees few pixels of them."""

_SKIP_MACS = 70
"""Multiply-accumulates that take the time which a skip connection in INT8 saves, per number: 10 ms
where the convolution beside it, with 288 per number, saves 42 (OpenVINO, AVX2, 1024x512)."""

_NAMED = 5
"""How many of the costliest convolutions a refusal names."""


@dataclass(frozen=True)
class Found:
    """A plan that keeps to the bars.

    activations: what it is about. few_channels: convolutions that were never to be INT8.
    methods: what each method of finding ranges loses with all in INT8, by noise and measure;
    method: the one taken, that loses least for the bars.
    accuracy: of every graph, float and INT8, by precision and kind of noise. costs: of single
    tensors, by tensor and reach, where they had to be ranked.
    """

    plan: Plan
    activations: Sequence[Activation]
    few_channels: Sequence[str]
    method: str
    methods: Mapping[str, Losses]
    accuracy: Mapping[str, Mapping[str, Accuracy]]
    costs: Mapping[tuple[str, Reach], Cost]

    def sensitive(self) -> list[str]:
        """Convolutions that could be INT8 and stay in float."""
        return [
            convolution.name
            for activation in self.activations
            if self.plan.reach[activation.tensor] == Reach.FLOAT
            for convolution in activation.convolutions
        ]

    def float_skips(self) -> list[str]:
        """Tensors that convolutions read in INT8 and skip connections in float."""
        return [
            activation.tensor
            for activation in self.activations
            if activation.skips and self.plan.reach[activation.tensor] == Reach.CONVOLUTIONS
        ]


class Search:
    """Tries plans on one network.

    graphs: it in 'fp32' and in 'fp16'; either loses against itself. activations: what can be
    INT8. samples: what judges. sizes: how many numbers each tensor has,
    all for frames of one size. bars: what may be lost.
    """

    def __init__(
        self,
        graphs: Mapping[str, onnx.ModelProto],
        activations: Sequence[Activation],
        samples: Sequence[Sample],
        *,
        sizes: Mapping[str, int],
        classes: int,
        bars: Bars,
        progress: Progress,
    ) -> None:
        self._graphs, self._activations, self._samples = graphs, activations, samples
        self._classes, self._bars, self._progress = classes, bars, progress
        self._probe = Probe(Session(graphs["fp32"]), samples)
        self._saved = {
            (a.tensor, reach): sizes[a.tensor] * macs
            for a in activations
            for reach, macs in (
                (Reach.CONVOLUTIONS, sum(convolution.macs for convolution in a.convolutions)),
                (Reach.ALL, _SKIP_MACS),
            )
        }
        self._costs: dict[tuple[str, Reach], Cost] = {}

    def find(self, plans: Mapping[str, Plan]) -> Found:
        """The best of some plans, by the method of their ranges, with less INT8 where need be.

        Raises RtsdbError, naming the costliest convolutions, when too little INT8 would be left.
        """
        accuracy = {name: self._measure(name, graph) for name, graph in self._graphs.items()}
        methods = {
            method: lost(accuracy["fp32"], self._measure(method, self._int8(plan)))
            for method, plan in plans.items()
        }
        method = min(methods, key=lambda name: worst(methods[name], self._bars).times)
        plan = plans[method]
        while (excess := self._excess(plan, accuracy)) is not None:
            plan = self._give_up(plan, excess, self._cost_each(plan, excess))
            if self._share(plan) < LEAST:
                raise RtsdbError(self._refusal(plan, excess))
        return Found(
            plan=plan,
            activations=self._activations,
            few_channels=few_channels(self._graphs["fp32"], self._activations),
            method=method,
            methods=methods,
            accuracy=accuracy,
            costs=self._costs,
        )

    def costliest(self, plan: Plan, excess: Excess) -> list[str]:
        """The convolutions that cost most in INT8, the worst first: a few of them."""
        self._cost_each(plan, excess)
        readers = {a.tensor: a.convolutions for a in self._activations}
        ranked = sorted(
            self._costs, key=lambda pair: -self._costs[pair].of(excess.measure, excess.noise)
        )
        names = dict.fromkeys(conv.name for tensor, _ in ranked for conv in readers[tensor])
        return list(names)[:_NAMED]

    def _excess(self, plan: Plan, accuracy: dict[str, dict[str, Accuracy]]) -> Excess | None:
        """The first form that loses too much, or None; adds to the accuracies."""
        for floating, int8 in INT8_FORMS.items():
            accuracy[int8] = self._measure(int8, with_qdq(self._graphs[floating], plan))
            excess = worst(lost(accuracy[floating], accuracy[int8]), self._bars)
            if excess.lost > excess.bar:
                return excess
        return None

    def _measure(self, precision: str, graph: onnx.ModelProto) -> dict[str, Accuracy]:
        self._progress.begin(f"accuracy, {precision}", len(self._samples))
        return measure(Session(graph), self._samples, self._classes, self._progress.step)

    def _int8(self, plan: Plan) -> onnx.ModelProto:
        return with_qdq(self._graphs["fp32"], plan)

    def _open(self, plan: Plan) -> Session:
        return Session(self._int8(plan))

    def _cost_each(self, plan: Plan, excess: Excess) -> dict[str, float]:
        """What tensors that are INT8 cost by themselves."""
        reach = {tensor: how for tensor, how in plan.reach.items() if how != Reach.FLOAT}
        unknown = [pair for pair in reach.items() if pair not in self._costs]
        alone = plan.relaxed(dict.fromkeys(plan.reach, Reach.FLOAT))
        self._progress.begin("cost of each tensor", len(unknown))
        for tensor, how in unknown:
            session = self._open(alone.relaxed({tensor: how}))
            self._costs[tensor, how] = self._probe.cost(session)
            self._progress.step()
        return {
            tensor: self._costs[tensor, how].of(excess.measure, excess.noise)
            for tensor, how in reach.items()
        }

    def _give_up(self, plan: Plan, excess: Excess, costs: Mapping[str, float]) -> Plan:
        """Less reach for tensors, those first that cost most for the time they save.

        It ends when the probe's cost has fallen by the factor by which the loss must fall. Then
        what proves needless, now that all is given up, is taken back, what saves most first.
        """
        bearable = self._cost(plan, excess) * excess.bar / excess.lost / _MARGIN
        reach, given = plan.reach, []
        for tensor in sorted(costs, key=lambda t: -costs[t] / self._saved[t, reach[t]]):
            plan = plan.relaxed({tensor: Reach(reach[tensor] - 1)})
            given.append(tensor)
            if self._cost(plan, excess) <= bearable:
                break
        for tensor in sorted(given[:-1], key=lambda t: -self._saved[t, reach[t]]):
            fuller = plan.relaxed({tensor: reach[tensor]})
            if self._cost(fuller, excess) <= bearable:
                plan = fuller
        return plan

    def _cost(self, plan: Plan, excess: Excess) -> float:
        """What a plan costs by the probe, in the measure and at the noise of an excess."""
        return self._probe.cost(self._open(plan)).of(excess.measure, excess.noise)

    def _refusal(self, plan: Plan, excess: Excess) -> str:
        return (
            f"INT8 loses {excess}; to keep to that, only {self._share(plan):.0%} of the "
            f"convolutions could be INT8: nothing written. "
            f"The costliest are {', '.join(self.costliest(plan, excess))}"
        )

    def _share(self, plan: Plan) -> float:
        """Part of the convolutions that could be INT8 which are."""
        counts = {a.tensor: len(a.convolutions) for a in self._activations}
        there = sum(counts[t] for t, reach in plan.reach.items() if reach != Reach.FLOAT)
        return there / sum(counts.values())
