"""Mutated inputs by the million: decoder and checkpoint reader answer each, soon and in bounded memory."""
