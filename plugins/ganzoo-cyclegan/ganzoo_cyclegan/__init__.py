"""CycleGAN (arXiv:1703.10593) and pix2pix (arXiv:1611.07004) for ganzoo."""
