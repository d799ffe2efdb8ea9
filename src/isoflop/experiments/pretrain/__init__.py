"""Small language models trained for the purpose: runs of L(N, D) that any machine can make."""
