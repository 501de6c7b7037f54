"""From trained weights to a proven artifact: inference graph, proof in a fresh process, publishing."""
