"""Energy of the processor's packages, from Linux's powercap (RAPL, of Intel and AMD).

See "Power Capping Framework" of the kernel's documentation. Most systems let only root read it.
"""

from __future__ import annotations

from pathlib import Path

from rtsdb.bench.load.amounts import Counter
from rtsdb.bench.load.kernel_files import ROOT, read_number, read_text
from rtsdb.bench.load.sample import Sample, Source


class RaplSource(Source):
    """Energy of all packages together: cores, caches, graphics, memory controller; not memory."""

    def __init__(self, root: Path = ROOT) -> None:
        zones = sorted(root.glob("sys/class/powercap/intel-rapl:*"))
        self._packages = {
            zone / "energy_uj": Counter(wraps_at=read_number(zone / "max_energy_range_uj"))
            for zone in zones
            if (read_text(zone / "name") or "").startswith("package")
        }

    def sample(self, seconds: float) -> Sample:
        """Ask now."""
        grown = [counter.growth(read_number(file)) for file, counter in self._packages.items()]
        known = [microjoules for microjoules in grown if microjoules is not None]
        if not known or len(known) < len(grown):
            return Sample()
        return Sample(energy_j={"cpu package": sum(known) / 1e6})
