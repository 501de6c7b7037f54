"""From pictures and labels to a packed set: find, check, split, pack, load."""
