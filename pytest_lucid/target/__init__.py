"""One host of a run, and every fact about it: gathered on first use, or prefetched, and then kept."""
