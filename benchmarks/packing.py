"""How fast pictures are packed and verified.

    python benchmarks/packing.py pack [FOLDER] [--pairs 3]      packing beside a loop over PIL in one thread
    python benchmarks/packing.py verify FOLDER [--count 50000]  seconds to verify pictures, with the bar of the command

FOLDER holds pictures named label_anything.png; `python -m trainer synth FOLDER --count 12000` draws some. Without one
`pack` draws its own for the time being; `verify` draws what is missing into it, once.

The loop is what one writes with PIL to get the same records: for each picture it reads the file, takes its SHA-256, has
PIL verify it and, as PIL wants it after that, opens it again, puts what is transparent onto white, makes it gray,
filters and resizes it as the config says, takes the SHA-256 of the pixels, and writes a `tf.train.Example` with
`tf.io.TFRecordWriter` to one of two files by digest. `--trusting` leaves PIL's verification out. The loop checks no
label, finds no doubles and writes no manifest, all of which packing does in its time.

Both run in turns on the same pictures, and the median of the ratios is told; importing tensorflow, which the loop
needs, is not timed, starting worker processes is. Twice: `plain` only makes pictures gray; `filtered` has a median
filter, a blur and another size too.
"""

if __name__ == "__main__":  # workers import this file again, where those of `python -m trainer` have nothing to import
    import packing_times

    packing_times.main(__doc__)
