"""The StyleGAN family for ganzoo: StyleGAN2 (arXiv:1912.04958)."""
