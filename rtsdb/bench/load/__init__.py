"""What the machine spends while something runs: processor, memory, GPU, power, temperature.

`meter.py` takes samples; each other file asks one source, and gives None for what it does not tell.
"""

from rtsdb.bench.load.meter import LoadMeter

__all__ = ["LoadMeter"]
