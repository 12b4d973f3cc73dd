"""Random histories of anomalies, answers, promotions, rollbacks, restarts and kills: what was lost in any of them.

    python benchmarks/histories.py [--histories 1000] [--steps 12] [--seed 0]

The same as tests/service/test_histories.py does with 100. Each history has a home folder of its own; after each step
all that was accepted is compared with what the database holds. Prints the steps and each history that lost something.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.service.test_histories import World, live


def main() -> None:
    """Live through them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--histories", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    steps: Counter[str] = Counter()
    lost, began = [], time.process_time()
    for seed in range(options.seed, options.seed + options.histories):
        with tempfile.TemporaryDirectory() as folder:
            world = World(Path(folder), random.Random(seed))
            try:
                steps.update(live(world, options.steps))
            except AssertionError as error:
                lost.append(f"seed {seed}: {error}")
            world.database.close()
    print(f"{options.histories:,} histories, {steps.total():,} steps, {time.process_time() - began:.0f} s of CPU")
    print(", ".join(f"{count:,} {step}" for step, count in steps.most_common()))
    print(*(lost or ["nothing was lost"]), sep="\n")
    sys.exit(bool(lost))


if __name__ == "__main__":
    main()
