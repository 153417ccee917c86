"""The first GANs, for ganzoo: gan, cgan, wgan, wgan-gp."""
