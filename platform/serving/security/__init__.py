"""Who may do what, from where, how often. Rules without a transport: HTTP and gRPC both ask `gate.Gate`."""
