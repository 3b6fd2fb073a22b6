"""What the replicated papers share: data, losses, backbones, training, evaluation and reporting."""
