"""Pictures drawn from parameters; they know no data set."""
