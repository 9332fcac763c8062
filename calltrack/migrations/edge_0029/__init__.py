"""The edge functions of 0029: a lease keeps what a posterior reads of its visit; a quicker choice."""
