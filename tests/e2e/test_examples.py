"""What the documents and the help tell people to type shows the built-in model at its best."""

import re

import pytest

from program import ROOT, run

COMMANDS = ["generate", "serve", "keys", "models", "bench"]
FILES = ["README.md", "tools/demo.py", "docs/api/openapi.yaml",
         *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs").glob("*.md")))]
# A command line, a JSON field, a Python argument, a YAML field, an echo into the program.
FORMS = [r'imagined generate "([^"\n]+)"', r'"prompt": *"([^"\n]+)"', r'\bprompt="([^"\n]+)"',
         r"^ *prompt: ([^{\n]+)$", r'echo "([^"\n]+)" \| imagined generate']


def prompts_in(text):
    """Those for the built-in model: on a line that names no other one."""
    own = [line for line in text.splitlines() if "--model" not in line and "--image" not in line]
    return {prompt for form in FORMS for prompt in re.findall(form, "\n".join(own), re.MULTILINE)}


def test_the_forms_of_examples_are_recognised():
    assert prompts_in('imagined generate "a b" -o x\n  {"prompt": "c"}\nf(prompt="d")\n  prompt: e f\n'
                      'echo "g" | imagined generate -\nimagined generate "h" --model x\n') == {
        "a b", "c", "d", "e f", "g"}


def sources():
    for name in FILES:
        yield name, (ROOT / name).read_text()
    yield "help", run("help").stdout
    for command in COMMANDS:
        yield f"help {command}", run("help", command).stdout


@pytest.fixture(scope="module")
def examples():
    found = {}
    for name, text in sources():
        for prompt in prompts_in(text):
            found.setdefault(prompt, []).append(name)
    return found


def test_there_are_examples_where_people_look(examples):
    places = {place for places in examples.values() for place in places}
    assert {"README.md", "docs/api/openapi.yaml", "help", "help generate"} <= places


def test_the_built_in_model_knows_every_word_of_every_example(examples, tmp_path):
    notes = {}
    for prompt, places in examples.items():
        result = run("generate", prompt, "--steps", 1, "-o", tmp_path / "picture.png")
        assert result.returncode == 0, result.stderr
        if "note: " in result.stderr:
            notes[prompt] = (places, result.stderr)
    assert not notes
