"""An open-loop load: requests start when they are due, whether or not earlier ones have been answered."""
