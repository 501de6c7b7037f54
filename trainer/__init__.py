"""The training program: from a folder of labelled pictures to a graph and the YAML that describes it."""
