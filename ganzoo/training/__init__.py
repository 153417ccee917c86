"""Training: it knows phases and nothing else; it never asks an architecture for its name.

What happens, in the order in which it happens; each line names the file where it stands:

    run:  settings, data, networks                                            start.py, ganzoo.data.opening
    processes of torchrun join; rank 0's weights are everybody's              ranks.py, engine.py
    what is declared is held against what is done, once                       declared.py
    begin at step 0, or where the newest whole checkpoint stands              start.py, engine_state.py

    for n = steps done, steps done + 1, ...:                                  trainer.py
        batch = pictures at positions n*B ... (n+1)*B of all epochs           ganzoo.data.batches
            and for phases with reals of their own, at their own count
        x = this rank's rows, on the device, uint8 -> [-1, 1]                 engine.prepare

        for phase in architecture.phases() that is due:                       engine.step
            # due: n mod every = offset
            for part in micro-batches of x:
                step = (seed, n, rank, part)       # every draw is keyed      ganzoo.architecture.step
                losses = phase.loss(part, step)    # in bf16 where asked for
                sum(losses) * (every if lazy) / parts  -> gradients of this player alone
            mean over ranks of gradients, losses and statistics               ranks.average_phase
            norm = |gradient|
            if norm or loss is not finite: withhold the update, for good      engine, checks.py
            else: clip, lr = lr(kimg) * c, optimiser's update, clamp          optimizers.py
            # c = 1 / (1 + sum of 1/every over this player's lazy phases)

        architecture.after_step(statistics)        # buffers: w average, ADA
        G_ema <- b G_ema + (1 - b) G               # buffers too              ema.py

        every log_every_steps:  means of losses -> loggers, progress          reporting.py
            collapse is looked for in what is logged                          collapse.py
        every sample_every_kimg:  grids of what G_ema paints                  run_writer.py, previews.py
        every checkpoint_every_kimg, at the end, out of time, on Ctrl-C:
            score what G_ema paints                                           run_writer.py
            all ranks have the same bits, or nothing is saved                 run_writer.py
            weights, average, optimisers, state: beside, fsync, rename        ganzoo.runs.weights
            keep the newest few and the best                                  ganzoo.runs.checkpoint
        stop when the length, the time or the user says so                    stopping.py

    what fails: out of memory names the batch that fits                       memory.py
"""
