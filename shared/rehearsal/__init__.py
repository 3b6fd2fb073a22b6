"""Every run at its real size, without data and without a GPU: whether it works, what it takes."""
