"""Where the figures were taken: they mean nothing without it."""

import os
import platform
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bench.daemon import file_system, real_disk


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The machine at the time of a run. `fdatasync`: median microseconds; `load`: of the last minute."""

    cores: int
    processor: str
    kernel: str
    python: str
    disk: str
    fdatasync: int
    load: float
    date: str

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"{self.cores} cores ({self.processor}), {self.disk}, fdatasync {self.fdatasync} µs, "
            f"Linux {self.kernel}, Python {self.python}, {self.date}, load {self.load}"
        )


def this_machine() -> Machine:
    """The machine as it is now."""
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        processor=_processor(),
        kernel=platform.release(),
        python=platform.python_version(),
        disk=file_system(real_disk()),
        fdatasync=_fdatasync(real_disk() / f"flux-bench-{os.getpid()}"),
        load=round(os.getloadavg()[0], 2),
        date=time.strftime("%Y-%m-%d"),
    )


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _fdatasync(path: Path) -> int:
    """Median microseconds to make 4 KiB durable that overwrite others, as a commit into a used WAL does."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR)
    try:
        os.write(descriptor, bytes(65_536))
        os.fsync(descriptor)
        took = []
        for at in range(50):
            os.pwrite(descriptor, bytes(4096), at % 16 * 4096)
            started = time.perf_counter()
            os.fdatasync(descriptor)
            took.append(time.perf_counter() - started)
    finally:
        os.close(descriptor)
        path.unlink()
    return round(sorted(took)[len(took) // 2] * 1e6)
