"""From packed pictures to the best weights: recipe, data order, steps, readings of the test set, checkpoints."""
