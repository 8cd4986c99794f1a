"""A model that could not be loaded takes no jobs, and the others serve."""

import sqlite3

import requests

from program import PAPERLAND, PROMPT


def test_a_model_that_could_not_be_loaded_refuses_at_once(start_server, tmp_path):
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"\xff" * 64)
    server = start_server("--set", f"models.good.path={PAPERLAND}", "--set",
                          f"models.broken.path={broken}")
    assert "model_not_loaded model=broken" in server.log_text()
    refused = requests.post(server.url + "/v1/images/generations", headers=server.headers(),
                            json={"model": "broken", "prompt": PROMPT}, timeout=20)
    assert refused.status_code == 503
    assert '"broken"' in refused.json()["error"]["message"]
    with sqlite3.connect(server.data_dir / "imagined.db") as database:
        assert database.execute("SELECT count(*) FROM jobs").fetchone() == (0,)
        assert database.execute("SELECT count(*) FROM charges").fetchone() == (0,)
    made = requests.post(server.url + "/v1/images/generations", headers=server.headers(),
                         json={"model": "good", "prompt": PROMPT}, timeout=60)
    assert made.status_code == 200
    metrics = requests.get(server.url + "/metrics", timeout=20).text
    assert 'imagined_model_available{model="broken"} 0' in metrics
    assert 'imagined_model_available{model="good"} 1' in metrics
