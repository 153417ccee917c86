"""What only a GPU can show. `docs/gpu.md` lists it with its state, made from the result files.

A part reports each of its claims as true, false, or not to be had where it ran; none is ever assumed.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """part: which reports it. what: one sentence that can be true or false."""

    part: str
    what: str


CLAIMS = {
    "fp32": Claim("works", "Training in fp32: the losses of three steps of every architecture are the CPU's"),
    "bf16": Claim("works", "Training in bf16: the same, within what bf16 can hold"),
    "channels_last": Claim("works", "channels_last, for the architectures that ask for it, gives the same losses"),
    "no waits": Claim("works", "No step makes the host wait (torch's synchronisation debugger), pinned copies too"),
    "resident": Claim("works", "Pictures held on the GPU are those that are copied at each step"),
    "withheld": Claim("works", "After a loss that is not finite the update is withheld; the replay names the phase"),
    "deterministic": Claim("works", "A resumed training has the bits of an unbroken one with `--deterministic`"),
    "out of memory": Claim("works", "Out of memory is a message that names a batch that fits, and it does fit"),
    "compile": Claim("works", "`--compile` gives the losses of eager training"),
    "cuda graphs": Claim("works", "CUDA graphs in training give the losses of eager training"),
    "nccl": Claim("works", "Two GPUs (NCCL) learn what one learns"),
    "training speed": Claim("training", "Training is faster than a plain loop over a DataLoader"),
    "onnx fp32": Claim("export", "Every exported graph paints the same on the CUDA provider in fp32, TF32 off"),
    "onnx fp16": Claim("export", "The same in fp16"),
    "placement": Claim("export", "Every node of every exported graph runs on the CUDA provider, without copies"),
    "onnx cuda graphs": Claim("export", "The CUDA provider replays exported graphs as CUDA graphs, the same result"),
    "device-resident": Claim("bench", "`ganzoo bench` measures host to host, device-resident and copies apart"),
    "bench overhead": Claim("bench", "`ganzoo bench` measures what a tight loop of the same session does, within 5%"),
    "gpu record": Claim("bench", "A result names GPU, driver, clocks, power and throttling"),
    "device list": Claim("bench", "GPUs and their slices are listed by name and UUID, and chosen by them"),
    "energy": Claim("bench", "Energy a picture, from the board's own counter, read ten times a second"),
    "replayed": Claim("bench", "`--cuda-graph on` is a replay, shown by outputs elsewhere that stay as they were"),
    "locked clocks": Claim("bench", "`--lock-clocks` holds the clock, and lets it go"),
    "together": Claim("bench", "`--together` measures GPUs at once, and by how much slower they are"),
    "slices": Claim("bench", "Slices of a GPU (MIG) are measured apart"),
    "tensorrt": Claim("bench", "The TensorRT provider runs the exported files"),
    "quality": Claim("quality", "Two minutes of DCGAN on the digits in bf16 come as near to them as on a CPU"),
}  # fmt: skip
