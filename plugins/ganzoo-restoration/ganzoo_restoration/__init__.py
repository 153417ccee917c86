"""SRGAN, ESRGAN and Real-ESRGAN for ganzoo."""
