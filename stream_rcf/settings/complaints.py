"""pydantic's findings in a person's words: which setting, its value, where it came from, what is allowed."""

from __future__ import annotations

from pydantic import ValidationError

from stream_rcf.settings.base import WholeSentenceError, WholeSentencesError
from stream_rcf.settings.catalogue import Catalogue, allowed, is_secret
from stream_rcf.settings.sources import Gathered
from stream_rcf.settings.table_complaints import shown, table_complaint, table_model


def complaints_of(error: ValidationError, catalogue: Catalogue, gathered: Gathered) -> list[str]:
    """Return one sentence for each wrong setting, in the order of declaration."""
    sentences: dict[str, list[str]] = {}
    tables = {name for name, field in catalogue.items() if table_model(field) is not None}
    for finding in error.errors(include_url=False):
        steps = [str(step) for step in finding["loc"]]
        name = ".".join(steps[:2]) if ".".join(steps[:2]) in catalogue else steps[0]
        if name in tables and len(steps) > 1:  # a list of tables: each of their settings is named by itself
            found_here = table_complaint(finding, catalogue[name], gathered.origin(name))
            known = sentences.setdefault(name, [])
            known += [sentence for sentence in found_here if sentence not in known]
            continue
        cause = finding.get("ctx", {}).get("error")
        if isinstance(cause, WholeSentenceError | WholeSentencesError):
            found = cause.findings if isinstance(cause, WholeSentencesError) else (cause,)
            sentences[name] = [f"{one} ({gathered.origin(one.setting)})" for one in found]
        elif name not in sentences:  # a list or a union reports each of its parts; one sentence is enough
            reasons = (
                str(cause).splitlines() if cause is not None else [f"must be {allowed(catalogue[name])}"]
            )
            sentences[name] = [_sentence(name, reason, catalogue, gathered) for reason in reasons]
    return [sentence for group in sentences.values() for sentence in group]


def _sentence(name: str, reason: str, catalogue: Catalogue, gathered: Gathered) -> str:
    origin = gathered.origin(name)
    if is_secret(catalogue[name]):  # the reason speaks of names only
        return f"{name} {reason} ({origin})"
    value = gathered.values.get(name, catalogue[name].get_default(call_default_factory=True))
    return f"{name} is {shown(value)} ({origin}), but {reason}"
