"""`./do mutants`: breaks the rules on purpose, a seeded sample at a time, and counts how many breaks the tests notice.

The sample is tried in parts; what is known of a part is kept in `mutants/`, so that a run that was stopped goes on
where it was. After a rule or a test has changed, `--afresh` begins anew.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

MUTANTS = Path("mutants")
SURVIVED, NO_TESTS, TIMEOUT = (0,), (5, 33), (24, 36, 152, 255)
_ENVIRONMENT = {"TEST_EXAMPLES": "40"}


def known() -> dict[str, int | None]:
    """Every mutant, with the exit code of the tests that were run on it; None for one that was not tried."""
    found: dict[str, int | None] = {}
    for meta in sorted(MUTANTS.glob("policy/*.meta")):
        found |= json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
    return found


def run(names: list[str]) -> None:
    """Try these mutants. The first run also writes all mutants, which takes a minute."""
    mutmut = Path(sys.executable).with_name("mutmut")
    answer = subprocess.run(
        [str(mutmut), "run", "--max-children", str(os.cpu_count() or 2), *names],
        env={**os.environ, **_ENVIRONMENT},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        sys.exit(f"mutmut 未能完成 · mutmut did not finish:\n{answer.stdout[-2000:]}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="./do mutants", description=f"变异测试。 {__doc__}")
    parser.add_argument("--sample", type=int, default=1000, help="抽样数 · how many (default 1000)")
    parser.add_argument("--seed", type=int, default=2026, help="随机种子 · seed of the sample (default 2026)")
    parser.add_argument("--part", type=int, default=100, help="每批数量 · how many at a time (default 100)")
    parser.add_argument("--afresh", action="store_true", help="从头开始 · forget what is known")
    arguments = parser.parse_args()
    if arguments.afresh:
        shutil.rmtree(MUTANTS, ignore_errors=True)
    if not known():
        print("正在生成变异体 · writing the mutants", flush=True)
        run(["policy.counting.x_add_months__mutmut_1"])
    names = sorted(known())
    sample = sorted(random.Random(arguments.seed).sample(names, min(arguments.sample, len(names))))
    while waiting := [name for name in sample if known()[name] is None]:
        print(f"{len(sample) - len(waiting)} / {len(sample)}", flush=True)
        run(waiting[: arguments.part])
    report(sample)


def report(sample: list[str]) -> None:
    """How many of the sample were noticed, and the names of those that were not."""
    results = known()
    survivors = [name for name in sample if results[name] in SURVIVED + NO_TESTS]
    noticed = len(sample) - len(survivors)
    print(f"发现 · noticed: {noticed} / {len(sample)} = {noticed / len(sample):.1%}")
    by_module = Counter(name.split(".")[1] for name in survivors)
    for module, count in by_module.most_common():
        whole = sum(name.split(".")[1] == module for name in sample)
        print(f"  {module}: {count} of {whole} went unnoticed")
    (MUTANTS / "survivors.txt").write_text("\n".join(survivors) + "\n", encoding="utf-8")
    print(f"{MUTANTS / 'survivors.txt'}; .venv/bin/mutmut show NAME")


if __name__ == "__main__":
    main()
