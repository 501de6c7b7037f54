"""What trainer and platform agree on: the artifact, picture bytes to pixels, scores to text.

Each of these exists once, here, and is used by packing, evaluation, export and serving alike. This package imports the
standard library, numpy, PIL, OpenCV, deflate, PyYAML and pydantic, and nothing else.
"""
