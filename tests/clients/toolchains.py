"""How the clients of each language come onto this machine, in their pinned versions, and are started.

Pins lie beside the programs, in the form of their language: packages.txt, package.json, go.mod,
Cargo.toml with its lock, a pom. Whatever a registry or a toolchain has to say against it, NotInstalled
says by name. A program of ours that does not compile is no reason to skip it: that is CompileError.
"""

import dataclasses
import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
INSTALLED = HERE.parents[1] / "build/clients"


class NotInstalled(Exception):
    """Why a client cannot be tried on this machine."""


class CompileError(Exception):
    """Our program is at fault."""


def run(command, **options):
    return subprocess.run([str(each) for each in command], capture_output=True, text=True, **options)


def install(command, **options):
    done = run(command, **options)
    if done.returncode != 0:
        said = [line for line in (done.stderr + "\n" + done.stdout).splitlines() if line.strip()]
        # Some tools end with where their log lies, some with what the error follows from.
        reason = next((line for line in said if "error" in line.lower()), (said or ["nothing"])[-1])
        raise NotInstalled(f"{pathlib.Path(command[0]).name} says: {reason}")
    return done.stdout


def compile_program(command, **options):
    done = run(command, **options)
    if done.returncode != 0:
        raise CompileError(done.stdout + done.stderr)


def numbers(version):
    return [int(each) for each in re.findall(r"\d+", version)[:3]]


def require(tool, version_command, least, **options):
    """The tool is there, and of the version that the pins say they need."""
    if not shutil.which(tool):
        raise NotInstalled(f"{tool} is not installed")
    version = re.search(r"\d+(\.\d+)*", install(version_command, **options))[0]
    if numbers(version) < numbers(least):
        raise NotInstalled(f"{tool} {version} is older than {least}")


def installed_once(folder, pins, fill):
    """Fills the folder anew when the pins change."""
    stamp = folder / "pins"
    if stamp.exists() and stamp.read_text() == pins.read_text():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    fill()
    stamp.write_text(pins.read_text())


@dataclasses.dataclass(frozen=True)
class Python:
    program: str
    package: str
    pins: str = "packages.txt"
    language = "python"

    def command(self):
        folder = INSTALLED / f"python-{pathlib.Path(self.pins).stem}"
        pins = HERE / "python" / self.pins
        python = folder / "bin/python"

        def fill():
            install([sys.executable, "-m", "venv", folder])
            install([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", pins])

        installed_once(folder, pins, fill)
        return [python, HERE / "python" / self.program]

    def version(self):
        pins = (HERE / "python" / self.pins).read_text()
        return re.search(rf"^{re.escape(self.package)}(?:\[.*\])?==(.+)$", pins, re.M)[1]


@dataclasses.dataclass(frozen=True)
class JavaScript:
    program: str
    package: str
    language = "javascript"

    @staticmethod
    def pinned():
        return json.loads((HERE / "javascript/package.json").read_text())

    def command(self):
        folder, pins = INSTALLED / "javascript", HERE / "javascript/package.json"
        require("node", ["node", "--version"], self.pinned()["engines"]["node"])
        require("npm", ["npm", "--version"], "0")

        def fill():
            shutil.copy(pins, folder)
            # Without scripts: nothing of a package runs but what a client calls.
            install(["npm", "install", "--loglevel=error", "--ignore-scripts", "--no-audit",
                     "--no-fund"], cwd=folder)

        installed_once(folder, pins, fill)
        for script in (HERE / "javascript").glob("*.mjs"):  # packages are looked for from where it lies
            shutil.copy(script, folder)
        return ["node", folder / self.program]

    def version(self):
        return self.pinned()["dependencies"][self.package]


@dataclasses.dataclass(frozen=True)
class Go:
    module: str  # a folder: each client has a module, for each needs another version of Go
    package: str
    language = "go"

    def pins(self):
        return (HERE / "go" / self.module / "go.mod").read_text()

    def command(self):
        folder = HERE / "go" / self.module
        require("go", ["go", "env", "GOVERSION"], re.search(r"^go (.+)$", self.pins(), re.M)[1],
                cwd=folder)
        program = INSTALLED / "go" / self.module
        install(["go", "mod", "download"], cwd=folder)
        compile_program(["go", "build", "-mod=readonly", "-o", program, "."], cwd=folder)
        return [program]

    def version(self):
        return re.search(rf"{re.escape(self.package)} v(\S+)", self.pins())[1]


@dataclasses.dataclass(frozen=True)
class Rust:
    package: str
    language = "rust"

    def pins(self):
        return (HERE / "rust/Cargo.toml").read_text()

    def command(self):
        folder, target = HERE / "rust", INSTALLED / "rust"
        require("cargo", ["rustc", "--version"], re.search(r'rust-version = "(.+)"', self.pins())[1])
        install(["cargo", "fetch", "-q", "--locked"], cwd=folder)
        compile_program(["cargo", "build", "-q", "--locked", "--offline", "--target-dir", target],
                        cwd=folder)
        return [target / "debug/client"]

    def version(self):
        return re.search(rf'{self.package} = {{ version = "=(.+?)"', self.pins())[1]


@dataclasses.dataclass(frozen=True)
class Java:
    pom: str
    program: str
    package: str
    language = "java"

    def pins(self):
        return HERE / "java" / self.pom

    def command(self):
        folder = INSTALLED / "java" / pathlib.Path(self.pom).stem
        require("javac", ["javac", "-version"],
                re.search(r"<maven.compiler.release>(.+)</", self.pins().read_text())[1])
        require("mvn", ["mvn", "--version"], "0")
        installed_once(folder, self.pins(), lambda: install(
            ["mvn", "-B", "-q", "-f", self.pins(), "dependency:build-classpath",
             f"-Dmdep.outputFile={folder}/classpath"]))
        path = (folder / "classpath").read_text()
        sources = [HERE / "java" / f"{name}.java" for name in ("Calls", self.program)]
        compile_program(["javac", "-d", folder, "-cp", path, *sources])
        return ["java", "-cp", f"{folder}{os.pathsep}{path}", self.program]

    def version(self):
        return re.search(rf"<artifactId>{self.package}</artifactId>\s*<version>(.+)</",
                         self.pins().read_text())[1]


@functools.cache
def command_of(client):
    """What starts the client, or why nothing can: a registry that does not answer is asked once."""
    try:
        return [str(each) for each in client.command()]
    except NotInstalled as reason:
        return reason
