"""The commands of the platform, one file each, thin layers over functions that are usable from Python."""
