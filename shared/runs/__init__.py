"""What a paper declares: the configuration of its runs, its targets, its printed numbers and its claims."""
