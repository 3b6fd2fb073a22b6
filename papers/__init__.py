"""One package for each replicated paper."""
