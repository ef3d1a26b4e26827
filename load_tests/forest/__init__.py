"""The forest beside its peers: AWS's Java library on the same core in the same minute, rrcf and river for scale."""
