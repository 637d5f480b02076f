"""The GPU cluster: the Kubernetes API as kubectl and the stock client speak it."""
