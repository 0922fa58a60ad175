"""What the scripts beside it share: a line for each check, the exit code at the end, commands, and tools from PyPI."""

import os
import pathlib
import shutil
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
VERSION = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
# Where --fetch puts programs that others have made.
TOOLS = ROOT / "target/consumers/venv/bin"
WHEELS = ROOT / "target/wheels"
# What is built lies where it is looked for.
os.environ["CARGO_TARGET_DIR"] = str(ROOT / "target")
failed = []


def told(name, fault=None, note=""):
    """Says how a check went; a fault that is not empty is one."""
    if fault:
        failed.append(name)
    print(f"{'FAILED' if fault else 'ok':8}{name}{': ' + str(fault) if fault else note and ': ' + note}", flush=True)


def skipped(name, why):
    print(f"{'skipped':8}{name}: {why}", flush=True)


def run(*arguments, **more):
    """Runs a command; its exit code, and all that it said."""
    more = more if "input" in more else {"stdin": subprocess.DEVNULL, **more}
    done = subprocess.run([str(argument) for argument in arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)
    return done.returncode, done.stdout.decode(errors="replace")


def command(name, *arguments, **more):
    """A check that consists of a command."""
    code, said = run(*arguments, **more)
    told(name, said.strip()[-600:] or f"exit code {code}" if code else None)
    return said


def have(program, **more):
    return shutil.which(program, **more)


def fetch(*packages):
    """Installs programs from PyPI, into an environment of the project's own."""
    if not TOOLS.exists():
        subprocess.run([sys.executable, "-m", "venv", TOOLS.parent], check=True)
    subprocess.run([TOOLS / "pip", "install", "--quiet", *packages], check=True)


def wheel(profile, given=None):
    """Builds the wheel, unless one is given, and names it; None if that cannot be done here."""
    if given:
        WHEELS.mkdir(parents=True, exist_ok=True)
        return pathlib.Path(shutil.copy(given, WHEELS))
    if not have(TOOLS / "maturin"):
        return skipped("the wheel", "--fetch brings maturin")
    for old in WHEELS.glob("*.whl"):
        old.unlink()
    path = {**os.environ, "PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}"}
    code, said = run(ROOT / "packaging/wheel/build", "--profile", profile, env=path)
    built = list(WHEELS.glob(f"pgconflint-{VERSION}-*.whl"))
    told("the wheel is built", said[-2000:] if code or len(built) != 1 else None, built and built[0].name)
    return built[0] if not code and len(built) == 1 else None


def arguments(flags=(), valued=()):
    """What the command line says: which flags, the values of options, and the rest."""
    set_flags, values, rest, words = set(), {}, [], iter(sys.argv[1:])
    for word in words:
        if word in flags:
            set_flags.add(word)
        elif word in valued:
            values[word] = next(words, None)
        elif word.startswith("-"):
            sys.exit(f"there is no option {word}")
        else:
            rest.append(word)
    return set_flags, values, rest


def end():
    sys.exit(1 if failed else 0)
