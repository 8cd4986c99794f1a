"""xAI's own SDK as it is shipped, and what it does not send, over gRPC."""

import signal
import socket
import threading

import pytest
import requests

from program import PAPERLAND, PROMPT, ROOT, SLOW, jpeg_size, run, stopped, wait_until
from test_edits import BLUE, GREEN, RED, data_url

xai_sdk = pytest.importorskip("xai_sdk", reason="the xai-sdk package is not installed")
import grpc  # noqa: E402  (comes with it)
from google.protobuf import descriptor_pb2  # noqa: E402
from grpc_reflection.v1alpha import proto_reflection_descriptor_database  # noqa: E402
from xai_sdk.proto import auth_pb2, files_pb2, image_pb2, image_pb2_grpc, models_pb2, usage_pb2  # noqa: E402

TINY_KLEIN = ROOT / "tests/golden/a1"
MODEL = "grok-imagine-image"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    from program import Server
    with Server(tmp_path_factory.mktemp("grpc"), "--picture-metadata", "off",
                "--set", f"models.{MODEL}.path={PAPERLAND}",
                "--set", f"models.tiny-klein.path={TINY_KLEIN}",
                "--set", 'models.tiny-klein.price_usd="0.02"',
                "--set", 'models.tiny-klein.price_input_usd="0.002"') as running:
        yield running


def host(server):
    """Under this name the SDK speaks without TLS by itself."""
    return "localhost:" + server.grpc.split(":")[1]


def client_of(server, key=None, **options):
    return xai_sdk.Client(api_key=key or server.key, api_host=host(server), **options)


@pytest.fixture
def client(server):
    return client_of(server)


@pytest.fixture
def channel(server):
    options = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
    with grpc.insecure_channel(server.grpc, options=options) as made:
        yield made


def generate(channel, key, metadata=(), timeout=60, **fields):
    request = image_pb2.GenerateImageRequest(**({"prompt": PROMPT, "model": MODEL} | fields))
    return image_pb2_grpc.ImageStub(channel).GenerateImage(
        request, timeout=timeout, metadata=[("authorization", f"Bearer {key}"), *metadata])


def refused(call):
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value


# What the SDK does.

def test_a_picture_comes_as_a_link_that_needs_no_key(client):
    picture = client.image.sample(prompt=PROMPT, model=MODEL)
    assert picture.url.startswith("http://localhost:")
    assert jpeg_size(picture.image) == (1024, 1024)
    assert picture.respect_moderation
    assert picture.model == MODEL
    assert picture.usage.cost_in_usd_ticks > 0


def test_a_picture_comes_as_base64_with_the_prefix_that_the_sdk_splits_at(client):
    picture = client.image.sample(prompt=PROMPT, model=MODEL, image_format="base64",
                                  aspect_ratio="16:9")
    assert picture.base64.startswith("data:image/jpeg;base64,")
    assert jpeg_size(picture.image) == (1280, 720)


@pytest.mark.parametrize("count", [1, 3, 10])
def test_exactly_so_many_pictures_come_as_were_asked_for(client, count):
    assert len(client.image.sample_batch(PROMPT, MODEL, n=count)) == count


@pytest.mark.parametrize("count", [1, 3, 8])
def test_pictures_are_made_out_of_given_ones(server, client, count):
    given = [data_url(each) for each in (RED, GREEN, BLUE) * 3][:count]
    options = {"image_url": given[0]} if count == 1 else {"image_urls": given}
    picture = client.image.sample(prompt=PROMPT, model="tiny-klein", **options)
    assert picture.usage.cost_in_usd_ticks == 200_000_000 + count * 20_000_000
    assert picture.image[:2] == b"\xff\xd8"


def test_a_made_picture_and_a_kept_file_are_edited_without_asking_the_network(client):
    made = client.image.sample(prompt=PROMPT, model=MODEL)
    kept = client.files.upload(RED, filename="red.png")
    assert client.image.sample(prompt=PROMPT, model="tiny-klein", image_url=made.url).url
    assert client.image.sample(prompt=PROMPT, model="tiny-klein", image_file_id=kept.id).url


def test_files_are_kept_listed_read_and_deleted(client):
    whole = bytes(range(256)) * 20_000
    kept = client.files.upload(whole, filename="all.bin")
    assert kept.size == len(whole) and kept.filename == "all.bin"
    assert client.files.content(kept.id) == whole
    assert kept.id in [each.id for each in client.files.list(order="desc").data]
    assert client.files.get(kept.id).size == len(whole)
    assert client.files.delete(kept.id).deleted
    assert refused(lambda: client.files.get(kept.id)).code() == grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize("count", [0, 3])
def test_an_upload_that_is_cut_off_leaves_no_file(start_server, count):
    server = start_server()
    for _ in range(10):
        given, cut = threading.Event(), threading.Event()

        def chunks():
            yield files_pb2.UploadFileChunk(init=files_pb2.UploadFileInit(name="cut"))
            for _ in range(count):
                yield files_pb2.UploadFileChunk(data=bytes(100_000))
            given.set()
            cut.wait(20)

        with grpc.insecure_channel(server.grpc) as channel:
            upload = channel.stream_unary("/xai_api.Files/UploadFile",
                                          files_pb2.UploadFileChunk.SerializeToString)
            call = upload.future(chunks(), metadata=[("authorization", f"Bearer {server.key}")])
            given.wait(20)
            call.cancel()
            cut.set()
    wait_until(lambda: "UploadFile code=CANCELLED" in server.log_text(), "the end of a call")
    kept = client_of(server).files.upload(RED, filename="whole.png")
    assert [each.id for each in client_of(server).files.list().data] == [kept.id]
    assert server.log_text().count("UploadFile code=OK") == 1


def test_pictures_become_files_where_storage_options_ask_for_it(client):
    made = client.image.sample(prompt=PROMPT, model=MODEL, image_format="base64",
                               storage_options={"filename": "kite.jpg", "expires_after": 7200})
    kept = made.file_output
    assert kept.filename == "kite.jpg" and kept.HasField("expires_at")
    assert client.files.content(kept.file_id) == made.image


def test_everybody_may_fetch_a_public_file_until_it_is_revoked(client):
    made = client.image.sample(prompt=PROMPT, model=MODEL, image_format="base64", storage_options={
        "filename": "kite.jpg", "public_url": {"expires_after": 3600}})
    kept = made.file_output
    assert requests.get(kept.public_url, timeout=10).content == made.image
    assert kept.HasField("public_url_expires_at")
    assert client.files.get(kept.file_id).public_url == kept.public_url
    again = client.files.create_public_url(kept.file_id)
    assert again.public_url == kept.public_url and not again.HasField("expires_at")
    assert client.files.revoke_public_url(kept.file_id).revoked
    assert requests.get(kept.public_url, timeout=10).status_code == 404
    assert not client.files.revoke_public_url(kept.file_id).revoked


def test_links_lead_to_http_where_it_has_an_address_of_its_own(start_server):
    server = start_server(grpc="127.0.0.2:0")
    with grpc.insecure_channel(server.grpc) as channel:
        url = generate(channel, server.key).images[0].url
    assert url.startswith(server.url + "/")
    assert requests.get(url, timeout=10).status_code == 200


def test_the_key_and_the_models_are_told(server, client):
    key = client.auth.get_api_key_info()
    assert key.redacted_api_key.startswith("imk_") and server.key not in key.redacted_api_key
    assert "api-key:model:*" in key.acls and not key.disabled and not key.api_key_blocked
    names = [each.name for each in client.models.list_image_generation_models()]
    assert names[0] == MODEL and "tiny-klein" in names
    assert client.models.get_image_generation_model(MODEL).image_price > 0
    takes = client.models.get_image_generation_model("tiny-klein").input_modalities
    assert list(takes) == [models_pb2.TEXT, models_pb2.IMAGE]
    assert list(client.models.list_language_models()) == []


def test_an_async_client_is_answered_too(server):
    import asyncio

    async def sample():
        client = xai_sdk.AsyncClient(api_key=server.key, api_host=host(server))
        try:
            return await client.image.sample_batch(PROMPT, MODEL, n=2, image_format="base64")
        finally:
            await client.close()

    assert len(asyncio.run(sample())) == 2


# What goes wrong, as the SDK shows it.

def test_each_cause_of_a_bad_key_is_unauthenticated_with_its_own_sentence(start_server):
    server = start_server()
    made = {name: server.make_key("--name", name) for name in ("disabled", "revoked", "late")}
    server.keys("disable", made["disabled"]["id"])
    assert run("keys", "delete", made["revoked"]["id"], "--data-dir", server.data_dir).returncode == 0
    late = server.make_key("--name", "not yet", "--not-before", "1h")["key"]
    keys = [made["disabled"]["key"], made["revoked"]["key"], late, server.key[:-1], "imk_x"]
    texts = set()
    for key in keys:
        error = refused(lambda: client_of(server, key).image.sample(prompt=PROMPT, model=MODEL))
        assert error.code() == grpc.StatusCode.UNAUTHENTICATED
        texts.add(error.details())
    assert len(texts) == len(keys)
    with grpc.insecure_channel(server.grpc) as bare:
        stub = image_pb2_grpc.ImageStub(bare)
        error = refused(lambda: stub.GenerateImage(image_pb2.GenerateImageRequest(prompt="a")))
        assert error.code() == grpc.StatusCode.UNAUTHENTICATED
        assert error.details() not in texts


def test_a_key_without_the_right_is_denied(server):
    key = server.make_key("--scopes", "models:read")["key"]
    error = refused(lambda: client_of(server, key).image.sample(prompt=PROMPT, model=MODEL))
    assert error.code() == grpc.StatusCode.PERMISSION_DENIED
    assert "image:generate" in error.details()


def test_an_upload_whose_key_the_sdk_forgets_says_what_helps(server):
    client = xai_sdk.Client(api_key=server.key, api_host=server.grpc, use_insecure_channel=True)
    assert client.image.sample(prompt=PROMPT, model=MODEL).url
    error = refused(lambda: client.files.upload(RED, filename="red.png"))
    assert error.code() == grpc.StatusCode.UNAUTHENTICATED
    assert "localhost" in error.details()


@pytest.mark.parametrize("fields, code, word", [
    ({"n": 0}, "INVALID_ARGUMENT", "n is 0"),
    ({"n": 11}, "INVALID_ARGUMENT", "n is 11"),
    ({"prompt": ""}, "INVALID_ARGUMENT", "prompt"),
    ({"model": "grok-4"}, "NOT_FOUND", "grok-4"),
    ({"aspect_ratio": 999}, "INVALID_ARGUMENT", "aspect_ratio is 999, expected a number of"),
    ({"resolution": 9}, "INVALID_ARGUMENT", "IMG_RESOLUTION_2K = 2"),
    ({"format": 9}, "INVALID_ARGUMENT", "IMG_FORMAT_URL = 2"),
    ({"quality": 9}, "INVALID_ARGUMENT", "IMG_QUALITY_HIGH = 3"),
    ({"n": 10, "resolution": 2, "format": 1}, "INVALID_ARGUMENT", "20 MiB"),
    ({"images": [{"image_url": "https://a.example/"}], "image": {"file_id": "f"}},
     "INVALID_ARGUMENT", "images"),
    ({"model": "tiny-klein", "image": {"image_url": "data:image/png;base64,%%%"}},
     "INVALID_ARGUMENT", "image 1"),
    ({"model": "tiny-klein", "image": {"file_id": "file_none"}}, "INVALID_ARGUMENT", "image 1"),
    ({"images": [{"image_url": "https://a.example/"}] * 9}, "INVALID_ARGUMENT",
     "takes 1 to 3 reference pictures, got 9"),
])
def test_a_bad_request_names_its_field_and_costs_nothing(server, channel, fields, code, word):
    before = server.query("SELECT count(*) FROM charges")
    error = refused(lambda: generate(channel, server.key, **fields))
    assert error.code().name == code
    assert word in error.details()
    assert server.query("SELECT count(*) FROM charges") == before


def test_the_limit_says_when_to_come_back(start_server):
    server = start_server()
    key = server.make_key("--per-minute", 2, "--per-second", 2)["key"]
    client = client_of(server, key)
    for _ in range(2):
        client.image.sample(prompt=PROMPT, model=MODEL)
    error = refused(lambda: client.image.sample(prompt=PROMPT, model=MODEL))
    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "in " in error.details() and " s" in error.details()
    assert dict(error.initial_metadata())["x-ratelimit-remaining-requests"] == "0"


MODERATION = "[categories.weapons]\nterms = [\"catapult*\"]\n"


def test_the_sdk_comes_back_to_a_worker_when_it_was_told_to(start_server, tmp_path):
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"\xff" * 64)
    server = start_server("--set", f"models.broken.path={broken}")
    error = refused(lambda: client_of(server, timeout=5).image.sample(prompt=PROMPT, model="broken"))
    assert error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
    # Each 2 s: left alone, the SDK is through with its five tries in 1.4 s.
    assert 2 <= server.log_text().count("code=UNAVAILABLE") <= 3


def test_what_moderation_refuses_is_an_error_with_the_word_that_clients_look_for(start_server, tmp_path):
    (tmp_path / "moderation.toml").write_text(MODERATION)
    server = start_server("--moderation-file", tmp_path / "moderation.toml")
    error = refused(lambda: client_of(server).image.sample(prompt="a catapult", model=MODEL))
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert error.details().startswith("imagine:content-moderated:")


@pytest.mark.parametrize("form", ["empty", "marked"])
def test_what_moderation_refuses_may_be_pictures_kept_back(start_server, tmp_path, form):
    (tmp_path / "moderation.toml").write_text(MODERATION)
    server = start_server("--moderation-file", tmp_path / "moderation.toml",
                          "--moderation-answer", form)
    pictures = client_of(server).image.sample_batch("a catapult", MODEL, n=3)
    assert [each.respect_moderation for each in pictures] == [False] * 3
    assert pictures[0].usage.cost_in_usd_ticks == 0
    with pytest.raises(ValueError, match="moderation"):
        pictures[0].url


def test_methods_that_are_not_offered_say_what_is(client, channel):
    error = refused(lambda: client.tokenize.tokenize_text(text="a", model=MODEL))
    assert error.code() == grpc.StatusCode.UNIMPLEMENTED
    assert "tokenizer" in error.details()
    nobody = channel.unary_unary("/no.Service/Method")
    assert refused(lambda: nobody(b"")).code() == grpc.StatusCode.UNIMPLEMENTED


# What a call is to the domain.

def test_a_cancelled_call_costs_nothing(start_server):
    server = start_server(*SLOW)
    with grpc.insecure_channel(server.grpc) as channel:
        request = image_pb2.GenerateImageRequest(prompt=PROMPT, model="slow")
        call = image_pb2_grpc.ImageStub(channel).GenerateImage.future(
            request, metadata=[("authorization", f"Bearer {server.key}")])
        server.wait_for_state("running")
        call.cancel()
        server.wait_for_state("cancelled")
    assert server.query("SELECT sum(cost_usd_ticks), sum(held_usd_ticks) FROM charges") == [(0, 0)]


def test_a_deadline_cancels_the_job(start_server):
    server = start_server(*SLOW)
    with grpc.insecure_channel(server.grpc) as channel:
        error = refused(lambda: generate(channel, server.key, model="slow", n=10, timeout=1))
        assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    server.wait_for_state("cancelled")


class Proxy:
    """Between a client and the server: loses what the server says, as networks do."""

    def __init__(self, target):
        self.target = target.split(":")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.lost = threading.Event()  # from now on nothing gets back to the client
        self.sockets = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(self.target)
            self.sockets += [near, far]
            for source, sink, loses in ((near, far, False), (far, near, True)):
                threading.Thread(target=self.copy, args=(source, sink, loses), daemon=True).start()

    def copy(self, source, sink, loses):
        try:
            while data := source.recv(65536):
                if not (loses and self.lost.is_set()):
                    sink.sendall(data)
        except OSError:
            pass

    def cut(self):
        """Ends all connections; those that come after it work."""
        self.lost.clear()
        for each in self.sockets:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def test_an_sdk_that_lost_the_answer_is_given_what_it_has_paid_for(start_server):
    server = start_server()
    proxy = Proxy(server.grpc)
    client = xai_sdk.Client(
        api_key=server.key, api_host=f"localhost:{proxy.listener.getsockname()[1]}")
    client.auth.get_api_key_info()  # the connection stands
    pictures = []
    proxy.lost.set()
    asking = threading.Thread(
        target=lambda: pictures.append(client.image.sample(prompt=PROMPT, model=MODEL)))
    asking.start()
    wait_until(lambda: "method=/xai_api.Image/GenerateImage code=OK" in server.log_text(), "a reply")
    proxy.cut()
    asking.join(30)
    proxy.listener.close()
    assert pictures[0].url
    assert server.job_states() == ["succeeded"]
    assert server.query("SELECT count(*) FROM charges") == [(1,)]


def test_the_same_idempotency_key_is_one_job(server, channel):
    mark = [("idempotency-key", "once")]
    names = {generate(channel, server.key, mark).images[0].url.split("?")[0] for _ in range(2)}
    assert len(names) == 1


def test_calls_in_work_are_answered_when_the_server_stops(start_server):
    server = start_server(*SLOW)
    replies = []
    with grpc.insecure_channel(server.grpc) as channel:
        asking = threading.Thread(
            target=lambda: replies.append(generate(channel, server.key, model="slow")))
        asking.start()
        server.wait_for_state("running")
        server.process.send_signal(signal.SIGTERM)
        asking.join(60)
    assert len(replies[0].images) == 1
    assert server.process.wait(20) == 0


def test_who_still_waits_when_the_server_can_wait_no_more_is_told_so(start_server):
    server = start_server("--drain-s", "2")
    with grpc.insecure_channel(server.grpc) as channel, stopped(wait_until(server.worker_pid, "a worker")):
        call = image_pb2_grpc.ImageStub(channel).GenerateImage.future(
            image_pb2.GenerateImageRequest(prompt=PROMPT, model=MODEL),
            metadata=[("authorization", f"Bearer {server.key}")])
        wait_until(server.job_states, "a job")
        server.process.terminate()
        assert call.code() == grpc.StatusCode.UNAVAILABLE
    assert server.process.wait(20) == 0
    assert "cancelled" not in server.job_states()


def test_a_port_that_is_taken_is_said_with_a_way_out(server, tmp_path):
    second = run("serve", "--data-dir", tmp_path, "--http-listen", "127.0.0.1:0", "--grpc-listen",
                 server.grpc)
    assert second.returncode != 0
    assert server.grpc in second.stderr and "grpc_listen" in second.stderr


def test_without_grpc_the_ready_line_names_none(start_server):
    server = start_server(grpc="off")
    assert server.grpc is None
    assert server.generate().status_code == 200


# The wire.

@pytest.mark.parametrize("theirs", [auth_pb2, files_pb2, image_pb2, models_pb2, usage_pb2],
                         ids=lambda module: module.DESCRIPTOR.name)
def test_our_messages_are_those_of_the_sdk(channel, theirs):
    """The server's own descriptors, by reflection, against the SDK's: every message that is served
    has every field under the same number, name and type."""
    reflection = proto_reflection_descriptor_database.ProtoReflectionDescriptorDatabase(channel)
    ours = reflection.FindFileByName(theirs.DESCRIPTOR.name)
    wanted = descriptor_pb2.FileDescriptorProto()
    theirs.DESCRIPTOR.CopyToProto(wanted)
    shape = lambda message: sorted(
        (f.number, f.name, f.type, f.type_name, f.label, f.proto3_optional) for f in message.field)
    served = {message.name: shape(message) for message in wanted.message_type}
    assert ours.message_type
    for message in ours.message_type:
        assert shape(message) == served[message.name], message.name
    methods = lambda file: {(s.name, m.name, m.input_type, m.output_type, m.client_streaming,
                             m.server_streaming) for s in file.service for m in s.method}
    assert methods(ours) == methods(wanted)
    values = lambda file: {(e.name, v.name, v.number) for e in file.enum_type for v in e.value}
    assert values(ours) <= values(wanted)


def test_health_is_told(channel):
    check = channel.unary_unary("/grpc.health.v1.Health/Check")
    assert check(b"") == b"\x08\x01", "SERVING"


def test_the_metrics_count_calls(server, client):
    client.image.sample(prompt=PROMPT, model=MODEL)
    text = requests.get(server.url + "/metrics", timeout=10).text
    assert 'imagined_grpc_calls_total{method="/xai_api.Image/GenerateImage",code="OK"}' in text
    assert 'imagined_grpc_call_seconds_total{method="/xai_api.Image/GenerateImage"}' in text


def counted(server, name):
    text = requests.get(server.url + "/metrics", timeout=10).text
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"imagined_{name}"))


def test_pictures_and_refusals_of_both_faces_are_counted_together(server, channel):
    key = server.make_key("--per-minute", 1, "--per-second", 1)["key"]
    pictures = counted(server, "pictures_total")
    limited = counted(server, 'refusals_total{reason="rate_limit"}')
    generate(channel, key)
    refused(lambda: generate(channel, key))
    assert server.generate(model=MODEL).status_code == 200
    assert counted(server, "pictures_total") == pictures + 2
    assert counted(server, 'refusals_total{reason="rate_limit"}') == limited + 1


def test_what_the_library_refuses_by_itself_is_logged_and_counted(server, channel):
    before = counted(server, 'refusals_total{reason="protocol"}')
    refused(lambda: generate(channel, server.key, prompt="x" * (20 * 2**20 + 1)))
    with grpc.insecure_channel(server.grpc, compression=grpc.Compression.Gzip) as packed:
        refused(lambda: generate(packed, server.key, prompt="x" * 2**10))
    wait_until(lambda: counted(server, 'refusals_total{reason="protocol"}') == before + 2, "the count")
    assert server.log_text().count("grpc_call_refused client=127.0.0.1 reason=") >= 2


def test_calls_of_methods_that_are_not_there_are_logged(server, channel):
    refused(lambda: channel.unary_unary("/no.Service/Method")(b""))
    assert "/no.Service/Method is not offered" in server.log_text()
    assert counted(server, 'grpc_calls_total{method="unknown",code="UNIMPLEMENTED"}') >= 1


def test_what_is_too_large_is_refused_and_the_connection_goes_on(server, channel):
    error = refused(lambda: generate(channel, server.key, prompt="x" * (20 * 2**20 + 1)))
    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    beside = image_pb2_grpc.ImageStub(channel).GenerateImage.future(
        image_pb2.GenerateImageRequest(prompt=PROMPT, model=MODEL, n=4),
        metadata=[("authorization", f"Bearer {server.key}")])
    error = refused(lambda: generate(channel, server.key, metadata=[("x-much", "x" * 17_000)]))
    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert error.details().endswith("at most 16384 are allowed a call")
    assert len(beside.result(60).images) == 4
    assert client_of(server).image.sample(prompt=PROMPT, model=MODEL).url


def test_a_message_that_grows_when_it_is_unpacked_is_not_unpacked(server):
    options = [("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(server.grpc, options=options,
                               compression=grpc.Compression.Gzip) as channel:
        error = refused(lambda: generate(channel, server.key, prompt="x" * 2**20))
        assert error.code() == grpc.StatusCode.UNIMPLEMENTED


def test_a_text_that_is_no_utf_8_is_refused(server, channel):
    ask = channel.unary_unary("/xai_api.Image/GenerateImage")
    error = refused(lambda: ask(b"\x0a\x02\xc3\x28",
                                metadata=[("authorization", f"Bearer {server.key}")]))
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert error.details() == "prompt is no UTF-8: expected a xai_api.GenerateImageRequest"
    upload = channel.stream_unary("/xai_api.Files/UploadFile")
    error = refused(lambda: upload(iter([b"\x0a\x04\x0a\x02\xc3\x28"]),
                                   metadata=[("authorization", f"Bearer {server.key}")]))
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT


# The same question to both faces.

RATIOS = ["1:1", "3:4", "4:3", "9:16", "16:9", "2:3", "3:2", "auto", "9:19.5", "19.5:9", "9:20",
          "20:9", "1:2", "2:1"]
STATUS_OF = {grpc.StatusCode.OK: {200}, grpc.StatusCode.INVALID_ARGUMENT: {400, 422},
             grpc.StatusCode.NOT_FOUND: {404}, grpc.StatusCode.UNAUTHENTICATED: {401},
             grpc.StatusCode.PERMISSION_DENIED: {401}}


def questions():
    """(JSON, message) pairs that mean the same."""
    pairs = []

    def ask(json_fields=None, **message_fields):
        fields = json_fields if json_fields is not None else message_fields
        pairs.append(({"prompt": PROMPT, "model": MODEL} | fields,
                      {"prompt": PROMPT, "model": MODEL} | message_fields))

    ask()
    for number, ratio in enumerate(RATIOS, 1):
        ask({"aspect_ratio": ratio}, aspect_ratio=number)
        ask({"aspect_ratio": ratio, "resolution": "2k"}, aspect_ratio=number, resolution=2)
    for count in (-1, 0, 1, 2, 3, 4, 10, 11, 2**31 - 1):
        ask(n=count)
    for name in (MODEL, MODEL + "-2026-03-02", "tiny-klein", "grok-4", "flux-1.1-pro", "x" * 300):
        ask(model=name)
    for prompt in ("", " ", "a", "\0", "x" * 8001, "ein rotes Haus", "\u732b", "tab\there"):
        ask(prompt=prompt)
    for user in ("u", "x" * 513):
        ask(user=user)
    for quality, number in (("low", 1), ("medium", 2), ("high", 3)):
        ask({"quality": quality}, quality=number)
    for life in (1, 7200):
        ask(storage_options={"filename": "a.jpg", "expires_after": life})
    for life in (1, 3600, 7201):
        ask(storage_options={"filename": "a.jpg", "expires_after": 7200,
                             "public_url": {"expires_after": life}})
    ask(storage_options={"filename": "a.jpg", "public_url": {}})
    return pairs


def test_both_faces_give_one_answer_and_take_one_job(start_server):
    server = start_server("--set", f"models.{MODEL}.path={PAPERLAND}",
                          "--set", f'models.{MODEL}.aliases=["{MODEL}-2026-03-02"]',
                          "--set", f"models.{MODEL}.steps=1",
                          "--set", f"models.tiny-klein.path={TINY_KLEIN}")
    last = 0

    def taken():
        """Jobs and charges since the last look, but for what differs between any two requests, and
        for warnings, of which gRPC has no place to tell.
        """
        nonlocal last
        rows = server.query(
            "SELECT j.sequence, j.kind, j.model, j.state, json_remove(j.payload, '$.warnings'),"
            " c.pictures,"
            " c.per_picture_usd_ticks, c.once_usd_ticks, c.outcome, c.cost_usd_ticks, c.user"
            " FROM jobs j JOIN charges c ON c.id = j.id WHERE j.sequence > ? ORDER BY j.sequence",
            last)
        last = max([last, *(row[0] for row in rows)])
        return [row[1:] for row in rows]

    pairs = questions()
    assert len(pairs) >= 60
    with grpc.insecure_channel(server.grpc) as channel:
        for fields, message in pairs:
            reply = server.generate(**fields)
            by_http = taken()
            try:
                answer, code = generate(channel, server.key, **message), grpc.StatusCode.OK
            except grpc.RpcError as error:
                answer, code = error, error.code()
            by_grpc = taken()
            assert reply.status_code in STATUS_OF[code], (fields, reply.text, answer)
            assert by_http == by_grpc, fields
            if code is not grpc.StatusCode.OK:
                continue
            body = reply.json()
            assert len(answer.images) == len(body["data"])
            assert answer.usage.cost_in_usd_ticks == body["usage"]["cost_in_usd_ticks"]
            assert answer.usage.total_tokens == body["usage"]["total_tokens"]
            theirs = [entry.get("file_output", {}).get("filename") for entry in body["data"]]
            assert [each.file_output.filename or None for each in answer.images] == theirs
            public = [bool(entry.get("file_output", {}).get("public_url")) for entry in body["data"]]
            assert [each.file_output.HasField("public_url") for each in answer.images] == public
