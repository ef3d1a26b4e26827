"""No data becomes code: what reads events, settings or checkpoints cannot be talked into running something."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.planted import plant
from tests.architecture.source import Breach, Source, imports, python_sources, report

# Modules whose reading runs what is read, or that read in ways which can.
MODULES = {
    "pickle",
    "cPickle",
    "_pickle",
    "dill",
    "cloudpickle",
    "joblib",
    "marshal",
    "shelve",
    "dbm",
    "yaml",
    "code",
}
BUILT_INS = {"eval", "exec", "compile", "__import__"}
# Calls by their last two names, and a keyword that makes others as bad.
CALLS = {
    "os.system",
    "os.popen",
    "numpy.load",
    "np.load",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
}
KEYWORDS = {"shell", "allow_pickle"}
# Load modules whose names stand in a table of their own: commands, and the files that every schema may import.
LOADS_BY_NAME = {"stream_rcf/cli/main.py", "stream_rcf/kafka/schema_registry_protobuf_files.py"}
FINDS_ONLY = {"importlib.util"}  # says whether something is installed


def running_breaches(sources: list[Source]) -> Iterator[Breach]:
    """Every place that could run data."""
    for source in sources:
        for imported in imports(source):
            if imported.name.split(".")[0] in MODULES:
                yield Breach(source.path, imported.line, f"{imported.name} can run what it reads")
            is_by_name = imported.name.startswith("importlib") and imported.name not in FINDS_ONLY
            if is_by_name and source.path not in LOADS_BY_NAME:
                yield Breach(source.path, imported.line, f"{imported.name} loads code by name")
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call):
                yield from _call_breaches(source, node)


def _call_breaches(source: Source, call: ast.Call) -> Iterator[Breach]:
    name = ast.unparse(call.func)
    if name in BUILT_INS or ".".join(name.split(".")[-2:]) in CALLS:
        yield Breach(source.path, call.lineno, f"{name} runs or loads what it is given")
    for keyword in call.keywords:
        is_false = isinstance(keyword.value, ast.Constant) and not keyword.value.value
        if keyword.arg in KEYWORDS and not is_false:
            yield Breach(source.path, call.lineno, f"{keyword.arg} lets data run")


def test_nothing_in_the_product_runs_data() -> None:
    assert report(running_breaches(python_sources("stream_rcf"))) == ""


def test_planted_dangers_are_seen(tmp_path: Path) -> None:
    text = """
        import pickle
        from marshal import loads
        import importlib
        eval("1")
        exec("x = 1")
        os.system("ls")
        np.load("x")
        subprocess.run("ls", shell=True)
        thing.load(x, allow_pickle=allowed)
        subprocess.run(["ls"], shell=False)
        re.compile("x")
        model.eval()
    """
    sources = python_sources("stream_rcf", root=plant(tmp_path, {"stream_rcf/state/a.py": text}))
    assert sorted(breach.line for breach in running_breaches(sources)) == list(range(2, 11))
