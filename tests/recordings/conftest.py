import pytest

from rtsdb import watchdog
from rtsdb.pipeline import run as run_module


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing hangs here, however slow the machine and its disk are."""
    monkeypatch.setattr(watchdog, "LATER", watchdog.FIRST)
    monkeypatch.setattr(run_module, "PATIENCE", 60.0)
