"""``stream-rcf score``: the same detector over files, to a CSV and a picture."""
