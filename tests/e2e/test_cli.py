"""The program without a server."""

import json
import os
import re
import shutil
import socket
import subprocess

import pytest

from program import BINARY, PAPERLAND, PROMPT, ROOT, jpeg_size, png_size, run


def test_generate_writes_a_png(tmp_path):
    result = run("generate", PROMPT, "-o", tmp_path / "house.png")
    assert result.returncode == 0, result.stderr
    assert png_size((tmp_path / "house.png").read_bytes()) == (1024, 1024)
    assert result.stdout.strip() == str(tmp_path / "house.png")


def test_generate_numbers_several_pictures(tmp_path):
    result = run("generate", PROMPT, "-n", 2, "--seed", 5, "--aspect-ratio", "16:9", "--json",
                 "-o", tmp_path / "house.jpg")
    assert result.returncode == 0, result.stderr
    pictures = json.loads(result.stdout)["pictures"]
    assert [picture["seed"] for picture in pictures] == [5, 6]
    assert [jpeg_size((tmp_path / f"house-{i}.jpg").read_bytes()) for i in (1, 2)] == [(1280, 720)] * 2


def test_generate_writes_a_webp(tmp_path):
    result = run("generate", PROMPT, "-o", tmp_path / "house.webp")
    assert result.returncode == 0, result.stderr
    data = (tmp_path / "house.webp").read_bytes()
    assert data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def test_generate_is_repeatable(tmp_path):
    for name, threads in (("a", 1), ("b", 2)):
        run("generate", PROMPT, "--seed", 3, "--threads", threads, "-o", tmp_path / f"{name}.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize("arguments, status, word", [
    (["generate"], 64, "prompt"),
    (["generate", "x", "--no-such-flag"], 64, "no-such-flag"),
    (["generate", "x", "-n", "11"], 64, "count"),
    (["generate", "x", "-o", "out.gif"], 64, ".png"),
    (["generate", " "], 65, "prompt"),
    (["generate", "x", "--aspect-ratio", "7:5"], 65, "16:9"),
    (["generate", "x", "--model", "no-such-model"], 66, "no-such-model"),
    (["generate", "x", "--model", "grok-imagine-imag"], 66, 'did you mean "grok-imagine-image"?'),
    (["--verison"], 64, 'did you mean "--version"?'),
    (["generate", "x", "--image", "no-such-file.png"], 66, "no-such-file.png"),
    (["generate", "x", "--image", __file__], 65, "test_cli.py"),
    (["generate", "x", *["--image", "x.png"] * 9], 64,
     'image: the model "grok-imagine-image" takes 1 to 3 reference pictures, got 9'),
    (["generate", "x", *["--image", "x.png"] * 3], 66, "x.png"),
    (["generate", "x", "-o", "/no/such/folder/out.png"], 73, "/no/such/folder"),
    (["serve", "--config", "no-such.toml"], 78, "imagined: no-such.toml: no such file\n"),
    (["models", "show", "klein-4b"], 66, "`imagined models pull klein-4b`"),
    (["usage", "--from", "5m"], 64, 'from is "5m", expected a day or time such as'),
    (["usage", "--csv", "--json"], 64, "--csv and --json: give one of them alone"),
    (["usage", "--check", "--team", "a"], 64, "--check and --team: give one of them alone"),
    (["pictures", "delete", "an-id", "--key", "a-key"], 64, "id and --key: give one of them alone"),
    (["serve", "--threads", "many"], 78, "--threads"),
    (["serve", "--http-listen", "nowhere"], 78, "http_listen"),
    (["models", "check", "no-such-model", "--golden", "x"], 66, "no-such-model"),
    ([], 64, "command is missing"),
])
def test_a_mistake_has_its_status_and_names_itself(arguments, status, word):
    result = run(*arguments)
    assert result.returncode == status, result.stderr
    assert word in result.stderr
    assert result.stdout == ""


def test_a_wrong_file_is_named_with_its_line(tmp_path):
    (tmp_path / "imagined.toml").write_text("threads = 1\nqueue_limt = 3\n")
    result = run("config", "check", "--config", tmp_path / "imagined.toml")
    assert result.returncode == 78
    assert "imagined.toml:2: queue_limt" in result.stderr
    assert "queue_limit" in result.stderr


def test_config_show_is_a_configuration(tmp_path):
    shown = run("config", "show", "--threads", 1, "--set", "models.grok-imagine-image.steps=2")
    assert shown.returncode == 0, shown.stderr
    assert "--threads" in shown.stdout
    (tmp_path / "again.toml").write_text(shown.stdout)
    assert run("config", "check", "--config", tmp_path / "again.toml").returncode == 0


def test_config_init_writes_a_file_that_changes_nothing(tmp_path):
    file = tmp_path / "imagined.toml"
    assert run("config", "init", file).stdout == f"{file}\n"
    assert run("config", "check", "--config", file).returncode == 0
    plain, read = (run("config", "show", *flags).stdout.splitlines()
                   for flags in ((), ("--config", file)))
    assert read == [f"# read: {file}", *plain]
    again = run("config", "init", file)
    assert again.returncode == 73
    assert "there already" in again.stderr


def test_config_check_tells_all_that_the_server_would_miss(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("config", "check", "--http-listen", f"127.0.0.1:{port}", "--data-dir",
                     tmp_path / "file", "--set", "models.x.path=/no/such/model")
    assert result.returncode == 78
    for word in (str(port), str(tmp_path / "file"), "/no/such/model"):
        assert word in result.stderr


def test_config_check_refuses_a_data_folder_that_cannot_be_made_to_root_too(tmp_path):
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "link").symlink_to("nowhere")
    listing = sorted(tmp_path.iterdir())
    for folder in (tmp_path / "file" / "data", tmp_path / "link", tmp_path / ("x" * 300) / "data", "/proc",
                   "/proc/data"):
        checked = run("config", "check", "--http-listen", "127.0.0.1:0", "--data-dir", folder)
        assert checked.returncode == 78 and "imagined: data_dir: " in checked.stderr, checked.stderr
    good = run("config", "check", "--http-listen", "127.0.0.1:0", "--data-dir", tmp_path / "a" / "b")
    assert good.returncode == 0, good.stderr
    assert sorted(tmp_path.iterdir()) == listing, "it leaves nothing"


@pytest.mark.parametrize("setting, value, says", [
    ("team-usd-per-day", "-1", 'team_usd_per_day is "-1", expected more than 0'),
    ("user-usd-per-month", "0", 'user_usd_per_month is "0", expected more than 0'),
    ("fetch-allow", "10.0.0.0/33", 'fetch_allow: "10.0.0.0/33" is neither a network'),
    ("moderation-file", "/no/such/policy", "moderation_file: /no/such/policy: no such file"),
    ("moderation-key-file", "/no/such/key", "moderation_key_file: /no/such/key: no such file"),
])
def test_config_check_and_the_server_refuse_the_same_values_by_name(tmp_path, setting, value, says):
    flags = (f"--{setting}={value}", "--moderation-url", "http://127.0.0.1:9/v1/moderations",
             "--data-dir", tmp_path / "data", "--http-listen", "127.0.0.1:0")
    for command in (("config", "check"), ("serve",)):
        result = run(*command, *flags)
        assert result.returncode != 0
        assert says in result.stderr


@pytest.mark.parametrize("command", [("usage",), ("pictures", "list"), ("pictures", "delete", "--yes")])
def test_a_period_that_ends_before_it_begins_is_refused_and_nothing_is_printed(server, command):
    result = run(*command, "--from", "2026-12-01", "--until", "2026-11-01", "--data-dir", server.data_dir)
    assert result.returncode != 0 and result.stdout == ""
    assert 'until is "2026-11-01", expected a time after 2026-12-01' in result.stderr


def test_usage_of_a_user_without_orders_says_so_with_the_nearest_name(server):
    assert server.generate(user="alice").status_code == 200
    unknown, known = (run("usage", "--user", user, *more, "--data-dir", server.data_dir)
                      for user, *more in (("alcie",), ("alice", "--until", "2020-01-01")))
    assert 'no order of the user "alcie" has ended yet' in unknown.stderr
    assert 'did you mean "alice"?' in unknown.stderr
    assert unknown.returncode == known.returncode == 0
    assert known.stdout == unknown.stdout and known.stderr == ""


def test_config_check_opens_every_model_and_names_each_that_is_not_whole(tmp_path):
    broken = shutil.copytree(PAPERLAND, tmp_path / "broken")
    for weights in (broken / "vae").glob("*.safetensors"):
        weights.unlink()
    (tmp_path / "page").mkdir()
    (tmp_path / "page/model.safetensors").write_text("<!DOCTYPE html><html></html>")
    result = run("config", "check", "--data-dir", tmp_path / "data", "--http-listen", "127.0.0.1:0",
                 "--set", f"models.without-vae.path={broken}",
                 "--set", f"models.page.path={tmp_path / 'page'}",
                 "--set", f"models.whole.path={PAPERLAND}", "--trusted-proxies", "everybody")
    assert result.returncode == 78
    for word in ("models.without-vae: ", "models.page: ", "everybody"):
        assert word in result.stderr, result.stderr
    assert "models.whole" not in result.stderr
    assert not (tmp_path / "data").exists()


def test_config_check_says_who_uses_the_data_folder(server):
    result = run("config", "check", "--data-dir", server.data_dir, "--http-listen", "127.0.0.1:0")
    assert result.returncode == 78
    assert f"{server.data_dir}: in use by pid {server.process.pid}\n" in result.stderr


def test_a_warning_about_the_configuration_is_given_once_with_the_name_of_the_file(
        start_server, tmp_path):
    file = tmp_path / "imagined.toml"
    file.write_text("[models.grok-imagine-image]\nsteps = 2\n")
    server = start_server("--config", file)
    warnings = [line for line in server.log_text().splitlines() if "not served" in line]
    assert len(warnings) == 1, warnings
    assert str(file) in warnings[0]


def test_what_needs_no_model_works_where_the_built_in_one_is_not(tmp_path):
    program = shutil.copy(BINARY, tmp_path / "imagined")

    def alone(*arguments):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("IMAGINED_")}
        return subprocess.run([program, *arguments, "--data-dir", tmp_path / "data"], text=True,
                              capture_output=True, timeout=60, env=environment)

    assert alone("keys", "create", "--create").returncode == 0
    assert alone("keys", "list").returncode == 0
    assert alone("usage").returncode == 0
    assert alone("usage", "--check").returncode == 0
    assert alone("config", "show").returncode == 0
    check = alone("config", "check", "--http-listen", "192.0.2.1:8080")
    assert check.returncode == 78
    assert "built-in model" in check.stderr and "192.0.2.1" in check.stderr
    serve = alone("serve", "--http-listen", "127.0.0.1:0")
    assert serve.returncode == 78 and "--models-dir" in serve.stderr


def test_generate_is_a_link_in_a_pipe():
    result = subprocess.run([str(BINARY), "generate", "-", "-o", "-", "--format", "jpeg"],
                            input=f"{PROMPT}\n".encode(), capture_output=True, check=True)
    assert jpeg_size(result.stdout) == (1024, 1024)
    assert b"stdout: 1024 x 1024" in result.stderr


COMPLETE = """
source <("$PROGRAM" completion bash)
COMP_WORDS=(imagined {words} '') COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_imagined
echo "${{COMPREPLY[*]}}"
"""


@pytest.mark.parametrize("words, expected", [
    ("", {"generate", "serve", "keys", "--help"}),
    ("keys", {"create", "list", "delete", "--help"}),
    ("generate --format", {"png", "jpeg"}),
    ("generate x", {"--output", "-o", "--seed", "--threads"}),
])
def test_bash_completes_what_there_is(words, expected):
    result = subprocess.run(["bash", "-c", COMPLETE.format(words=words)], text=True, check=True,
                            capture_output=True, env={**os.environ, "PROGRAM": str(BINARY)})
    assert expected <= set(result.stdout.split())


def test_the_manual_names_every_command():
    page = run("man").stdout
    for command in ("generate", "keys create", "config init", "completion fish"):
        assert f'.SS "imagined {command}"' in page


def test_the_version_is_that_of_the_build():
    (version,) = re.findall(r"project\(imagined VERSION (\S+)",
                            (ROOT / "CMakeLists.txt").read_text())
    assert run("--version").stdout == f"imagined {version}\n"


@pytest.mark.parametrize("command", [
    "", "serve", "worker", "generate", "keys", "keys create", "models", "models check", "models pull",
    "config", "doctor", "bench"])
def test_help_goes_to_stdout(command):
    result = run(*command.split(), "--help")
    assert result.returncode == 0
    assert "Usage:" in result.stdout
    assert result.stdout.endswith("\n")
    assert result.stderr == ""


def test_doctor_finds_nothing_wrong():
    result = run("doctor", "--json")
    findings = json.loads(result.stdout)
    assert result.returncode == 0, findings["problems"]
    assert findings["cores"] >= 1
    assert "avx2" in findings["instruction_sets"]


def test_an_edit_has_the_shape_of_its_picture_unless_another_is_asked_for(tmp_path):
    wide, night, square = (tmp_path / name for name in ("wide.png", "night.png", "square.png"))
    assert run("generate", PROMPT, "--aspect-ratio", "16:9", "-o", wide).returncode == 0
    assert run("generate", "make it night", "--image", wide, "-o", night).returncode == 0
    assert run("generate", "make it night", "--image", wide, "--aspect-ratio", "1:1", "-o", square).returncode == 0
    assert png_size(night.read_bytes()) == (1280, 720)
    assert png_size(square.read_bytes()) == (1024, 1024)


def test_doctor_says_what_the_built_in_model_is_and_how_to_get_one_that_draws_anything(tmp_path):
    told = run("doctor", "--data-dir", tmp_path).stdout
    assert json.loads((PAPERLAND / "sampling.json").read_text())["card"] in told
    (advice,) = [line for line in told.splitlines() if line.startswith("any picture")]
    assert "imagined models pull" in advice and "klein-4b" in advice
    other = run("doctor", "--data-dir", tmp_path, "--set",
                f"models.mine.path={ROOT / 'tests/golden/a1'}").stdout
    assert "any picture" not in other


def test_doctor_says_what_other_servers_are_asked_for(tmp_path):
    file = tmp_path / "imagined.toml"
    file.write_text('[upstreams.u]\nbase_url = "http://127.0.0.1:9/v1"\nkey_env = "NOT_SET_ANYWHERE"\n'
                    'models = ["far=there"]\n[chats.pair]\ntalks = "far"\nmakes = "grok-imagine-image"\n')
    told = run("doctor", "--json", "--config", file)
    findings = json.loads(told.stdout)
    assert findings["upstreams"] == [{"name": "u", "base_url": "http://127.0.0.1:9/v1",
                                      "key_env": "NOT_SET_ANYWHERE", "talks": ["far=there"], "makes": []}]
    assert findings["chats"] == [{"name": "pair", "talks": "far", "makes": "grok-imagine-image"}]
    assert told.returncode == 1 and "NOT_SET_ANYWHERE is not set" in findings["problems"][0]
    assert "upstream      u at http://127.0.0.1:9/v1" in run("doctor", "--config", file).stdout


def test_config_check_says_which_name_hides_another(tmp_path):
    file = tmp_path / "imagined.toml"
    file.write_text('[upstreams.u]\nbase_url = "http://127.0.0.1:9/v1"\nmodels = ["m", "grok-imagine-image"]\n'
                    '[chats.m]\ntalks = "m"\nmakes = "grok-imagine-image"\n')
    done = run("config", "check", "--config", file, "--data-dir", tmp_path / "data")
    assert done.returncode == 0, done.stderr
    assert "chats.m: hides the model of this name of upstreams.u" in done.stderr
    assert 'upstreams.u: models: "grok-imagine-image" is the name of a model under [models]' in done.stderr


def test_models_show_says_what_was_loaded():
    summary = json.loads(run("models", "show", "--json").stdout)
    assert summary["parameters"] > 1_000_000
    listed = json.loads(run("models", "list", "--json").stdout)
    assert [(m["makes"], m["price_usd"], m["price_second_usd"]) for m in listed["models"]] == [
        ("pictures", "0.02", "0.00"), ("pictures", "0.05", "0.00"), ("videos", "0.00", "0.05"), ("videos", "0.00", "0.08")]


def test_tokens_are_read_from_stdin():
    result = run("models", "tokens", PAPERLAND, "--json", stdin="a red house")
    assert result.returncode == 0, result.stderr
    assert all(isinstance(token, int) for token in json.loads(result.stdout)["ids"])


def test_bench_measures_every_stage():
    result = run("bench", "--width", 256, "--height", 256, "--repeats", 1, "--json")
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["machine"]["f32_gflops"] > 1
    assert "step" in [stage["stage"] for stage in report["stages"]]
    assert all(stage["seconds"] >= 0 for stage in report["stages"])
