"""Everything a deployment can choose: declared, checked all at once, and printed."""
