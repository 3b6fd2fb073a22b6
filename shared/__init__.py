"""What the replicated papers share: data, losses, backbones, training, evaluation and reporting."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The folder of the repository."""
