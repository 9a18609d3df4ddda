"""The report: what a bundle learnt and how good it is, as one page for people."""
