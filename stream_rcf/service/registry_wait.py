"""Waiting for a schema registry: nothing is read meanwhile, and the member stays in its group."""

from __future__ import annotations

import logging
import time

from stream_rcf.errors import RegistryUnavailableError

logger = logging.getLogger(__name__)

ASK_SECONDS = (0.5, 1.0, 2.0, 5.0)  # waits between two questions; the last one repeats


class RegistryWait:
    """A question that the registry has not answered, asked again and again. ``is_over`` while there is none."""

    def __init__(self) -> None:
        self._unanswered: RegistryUnavailableError | None = None
        self._next_question = 0.0
        self._questions = 0

    @property
    def is_over(self) -> bool:
        """Whether no answer is waited for."""
        return self._unanswered is None

    def begin(self, failure: RegistryUnavailableError) -> None:
        """Wait for what ``failure`` could not get."""
        logger.warning("waiting for the schema registry: %s", failure)
        self._unanswered = failure
        self._next_question, self._questions = 0.0, 0

    def ask_again(self) -> None:
        """Ask if it is time to; over when the registry answers."""
        if self._unanswered is None or time.monotonic() < self._next_question:
            return
        try:
            self._unanswered.ask_again()
        except RegistryUnavailableError as failure:
            wait = ASK_SECONDS[min(self._questions, len(ASK_SECONDS) - 1)]
            self._questions += 1
            self._next_question = time.monotonic() + wait
            logger.warning("still waiting for the schema registry, asking again in %s s: %s", wait, failure)
        else:
            logger.info("the schema registry answers again")
            self._unanswered = None
