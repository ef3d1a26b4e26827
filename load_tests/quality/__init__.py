"""How good the alerts are: labelled series, scorers written from their protocols, one default configuration for all."""
