#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a watching window costs a training: the same run with and without one, in turns.

    python tests/benchmarks/watch_cost.py [--build build] [--rounds 5] [--steps 120] [--threads 1]

Each round trains the demo twice from the same seed, once alone and once while paradigm-workbench
(offscreen) shows its curves, log and map of layers live; which comes first changes from round to
round. Every step is logged, which is the most that a window can have to read. Prints, for each
round, the median seconds of a step and the processor seconds of the trainer in both, their ratios,
and what the window itself used; then the median ratio of all rounds. On a busy machine only the
processor time means something.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import tempfile
import time
from pathlib import Path


def train(build, folder, steps, threads):
    """Median seconds of a step (the first tenth left out) and processor seconds of the trainer."""
    root = Path(__file__).resolve().parents[2]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    child = subprocess.run(
        [str(build / "bin/paradigm"), "train", "--config", "resources/demo/run.yaml",
         "--output_dir", str(folder), "--max_steps", str(steps), "--logging_steps", "1",
         "--layer_stats_steps", "10", "--do_eval", "false", "--save_strategy", "no",
         "--overwrite_output_dir", "true"],
        cwd=root, env=dict(os.environ, OMP_NUM_THREADS=str(threads)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if child.returncode != 0:
        raise SystemExit(child.stderr)
    times = []
    with open(folder / "events.jsonl") as lines:
        for line in lines:
            event = json.loads(line)
            if event["type"] == "step":
                times.append(event["time"])
    gaps = [b - a for a, b in zip(times, times[1:])][len(times) // 10:]
    used = (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)
    return statistics.median(gaps), used


def processor_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def watched(build, folder, runs, steps, threads):
    environment = dict(os.environ, QT_QPA_PLATFORM="offscreen", HOME=str(runs), XDG_CONFIG_HOME=str(runs / "config"))
    window = subprocess.Popen(
        [str(build / "bin/paradigm-workbench"), "--open", str(folder), "--workspace", "run"],
        env=environment, cwd=runs, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(4)  # it has started and loaded the engine
        before = processor_seconds(window.pid)
        began = time.time()
        result = train(build, folder, steps, threads)
        share = (processor_seconds(window.pid) - before) / (time.time() - began)
    finally:
        window.kill()
        window.wait()
    return result, share


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    build = given.build.resolve()
    wall, processor = [], []
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(given.rounds):
            runs = Path(scratch) / f"round-{number}"
            alone, seen = runs / "alone", runs / "seen"
            runs.mkdir()
            seen.mkdir()
            (seen / "run.yaml").write_text("{}\n")  # so that there is something to open
            if number % 2 == 0:
                a = train(build, alone, given.steps, given.threads)
                b, share = watched(build, seen, runs, given.steps, given.threads)
            else:
                b, share = watched(build, seen, runs, given.steps, given.threads)
                a = train(build, alone, given.steps, given.threads)
            wall.append(b[0] / a[0])
            processor.append(b[1] / a[1])
            print(f"round {number + 1}: a step {a[0] * 1e3:.1f} ms alone, {b[0] * 1e3:.1f} ms watched "
                  f"({wall[-1]:.4f}); processor {a[1]:.2f} s, {b[1]:.2f} s ({processor[-1]:.4f}); "
                  f"the window used {100 * share:.1f} % of a core")
    print(f"median: wall {statistics.median(wall):.4f}, processor {statistics.median(processor):.4f}  (budget 1.01)")


if __name__ == "__main__":
    main()
