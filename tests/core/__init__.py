"""Tests of stream_rcf.core, file by file: against the slow twins of tests.oracle, and what can be derived."""
