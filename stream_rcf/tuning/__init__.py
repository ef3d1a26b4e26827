"""Settings from a sample (``stream-rcf suggest``) and what settings would have alerted on (``stream-rcf backtest``)."""
