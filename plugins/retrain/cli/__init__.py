"""The `retrain` command."""

import os

# One thread per process, unless the user says otherwise: on a busy machine OpenMP's threads wait for each other, and a fit took
# 50 s in place of 2.4 s. The libraries read this when they are imported; BLAS libraries read it as well.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from retrain.cli.app import app

__all__ = ["app"]
