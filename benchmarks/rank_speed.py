"""Images per second of one training: `python rank_speed.py PRESET SECONDS`, alone or as one rank of several."""

import sys
import time

import torch
from test_training_step import settings_of

from ganzoo.data.batches import Order, Prefetcher
from ganzoo.training.engine import Engine
from ganzoo.training.ranks import joined_ranks


def main(preset, seconds):
    config, source, build = settings_of(preset)
    batch_size = config.train.batch_size
    with joined_ranks("cpu") as ranks:
        engine = Engine(build(), seed=0, batch_size=batch_size, device=torch.device("cpu"), ranks=ranks)
        rows = torch.arange(batch_size).reshape(ranks.count, -1)[ranks.rank].numpy()
        prefetcher = Prefetcher(source, Order(seed=0, batch_size=batch_size, lengths=source.lengths), rows=rows)
        done, began, late = -3, 0.0, False
        while not late:
            if done == 0:
                began = time.perf_counter()
            vote = done > 0 and time.perf_counter() - began > seconds  # as the trainer asks at every step
            (late,) = engine.step(done + 3, engine.prepare(prefetcher.batch(done + 3)), [vote])
            done += 1
        if ranks.leads:
            print(done * batch_size / (time.perf_counter() - began))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
