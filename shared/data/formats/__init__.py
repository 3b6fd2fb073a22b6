"""The forms that images and lists are kept in, each with its reader and its writer."""
