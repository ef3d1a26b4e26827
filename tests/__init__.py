"""The tests of stream_rcf; each folder mirrors the package it tests."""
