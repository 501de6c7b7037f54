"""How good a reading is: metrics as pure functions of labels and texts."""
