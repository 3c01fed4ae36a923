"""Audio analyzed per second of processor time: by the command, by the Python package, and by it on Ray, taking turns.

    throughput.py COMMAND FOLDER ROUNDS

Prints a line of JSON: for each of the three ways its figure per round. All use one thread and one ONNX Runtime; the start
of the command and of Ray's worker are included, that of Ray's cluster is not. Linux only: the time of Ray's processes is
read from /proc.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import mertscope
import mertscope.ray
import ray

HOP_S = 5


def below(ancestor: int) -> set[int]:
    """The processes that descend from a process."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(
                stat.read_text().rpartition(")")[2].split()[1]
            )
        except OSError:
            continue
    found, fresh = set(), {ancestor}
    while fresh:
        fresh = {process for process, parent in parents.items() if parent in fresh}
        found |= fresh
    return found


def used_s(processes: set[int]) -> float:
    """Processor time of processes, and of their children that have ended."""
    ticks = 0
    for process in processes:
        try:
            fields = (
                Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            )
        except OSError:
            continue
        ticks += sum(int(field) for field in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def all_used_s() -> float:
    """Processor time of this process and all that it has started."""
    own, ended = (
        resource.getrusage(who)
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    mine = own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime
    return mine + used_s(below(os.getpid()))


def main() -> None:
    program, folder, rounds = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    os.environ["ORT_DYLIB_PATH"] = str(mertscope.onnxruntime_library())
    files = sorted(folder.iterdir())
    analyzer = mertscope.Analyzer(device="cpu", hop=HOP_S, threads=1)
    audio_s = sum(analyzer.analyze(file).duration_s for file in files)
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
    out = Path(tempfile.mkdtemp())

    def command() -> None:
        options = f"--quiet --device cpu --threads 1 --hop {HOP_S}".split()
        subprocess.run(
            [program, "analyze", folder, "--out", out / "rows", *options], check=True
        )

    def package() -> None:
        for file in files:
            analyzer.analyze(file)

    def on_ray() -> None:
        mertscope.ray.analyze(folder, out / "rows", analyzer, files_per_batch=4)

    ways: dict[str, Callable[[], None]] = {
        "command": command,
        "package": package,
        "Ray": on_ray,
    }
    figures: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, work in ways.items():
            # Processes of the turn before have ended.
            time.sleep(2)
            start = all_used_s()
            work()
            figures[way].append(audio_s / (all_used_s() - start))
            shutil.rmtree(out / "rows", ignore_errors=True)
    ray.shutdown()
    shutil.rmtree(out)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
