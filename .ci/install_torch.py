"""torch and torchrec for a CPU, from PyPI alone, into the environment of this Python.

PyPI's torch for Linux is built for CUDA and requires 3 GB of libraries that it loads when it is imported and, without a
GPU, never uses. So only the small ones, which are called at the beginning, are installed; beside torch, under each name
that is still missing, goes a library that has nothing but the functions that torch's own libraries name.
"""

import re
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

LIBRARIES = Path(sysconfig.get_path("purelib")) / "torch" / "lib"


def output(*command: str) -> str:
    """What a command prints; `ldd` fails where something is missing, which is what it is asked."""
    return subprocess.run(command, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout


def pip(*packages: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", *packages], check=True)


def build(name: str, functions: dict[str, str]) -> None:
    """A library of this name; functions: each with its version, or "" """
    versions = "".join(
        f"{version} {{ {' '.join(f'{each};' for each, its in functions.items() if its == version)} }};\n"
        for version in set(functions.values()) - {""}
    )
    with tempfile.TemporaryDirectory() as folder:
        source, script = Path(folder, "stub.c"), Path(folder, "versions")
        source.write_text("".join(f"int {function}(void) {{ return 100; }}\n" for function in functions))
        script.write_text(versions or "{ global: *; };")
        options = [f"-Wl,-soname,{name}", f"-Wl,--version-script={script}", "-o", str(LIBRARIES / name)]
        subprocess.run(["gcc", "-w", "-shared", "-fno-builtin", *options, str(source)], check=True)


def build_missing() -> None:
    own = [str(path) for path in LIBRARIES.glob("*.so*")]
    missing = set(re.findall(r"(\S+) => not found", output("ldd", *own)))
    for name in missing:
        build(name, {})
    undefined: dict[str, str] = {}
    for line in output("ldd", "-r", *own).splitlines():
        found = re.match(r"undefined symbol: (?!_?Py)(\w+)(?:, version (\S+))?", line)
        if found:
            undefined[found[1]] = found[2] or ""
    needs = output("readelf", "-V", "-W", *own)
    files = {
        version: file
        for file, block in re.findall(r"File: (\S+)  Cnt: \d+\n((?:.*Name: .*\n)+)", needs)
        for version in re.findall(r"Name: (\S+)", block)
    }
    for name in missing:
        build(name, {each: version for each, version in undefined.items() if files.get(version, name) == name})


if __name__ == "__main__":
    # The newest that torchrec's kernels are built for.
    pip("--no-deps", "torch==2.14.*", "nvidia-cuda-runtime==13.*", "nvidia-cuda-cupti==13.*", "nvidia-cufile==1.*")
    pip("filelock", "fsspec", "jinja2", "networkx", "sympy", "typing-extensions")
    build_missing()
    pip(
        "--no-deps",
        "torchrec==1.9.*",
        "fbgemm-gpu-cpu==1.9.*",
        "iopath",
        "pyre-extensions",
        "tensordict",
        "torchmetrics",
    )
    pip("cloudpickle", "lightning-utilities", "orjson", "psutil", "pyvers", "tqdm", "typing-inspect")
    subprocess.run([sys.executable, "-c", "import torch; print(torch.__version__, torch.ones(2, 2).sum())"], check=True)
