"""perf.data: a reader that counts branch stacks at memory speed, and a small writer."""
