"""Tests of stream_rcf.core, file by file, against the slow twins of tests.oracle and against what can be derived."""
