"""llama.cpp's own server with a Llama whose few weights say which token follows which, and nothing else: what it
says is known beforehand, how it is said is llama.cpp's. Prints its address; serves until its standard input ends."""

import pathlib
import sys
import tempfile

import gguf
import numpy
import xllamacpp

CONTEXT, HEADS, INNER = 262144, 4, 32  # going on for ever takes longer than any test waits
# What it says where it may call a tool, where it may not, and where it is asked to go on for ever.
CALL = ["<tool_call>", '{"name": "imagine_text_to_image", "arguments": {"prompt": "a red house"}}', "</tool_call>"]
WORDS = ["A", "\u2581red", "\u2581house,", "\u2581caf", "<0xC3>", "<0xA9>", "."]  # "A red house, café."
CHAINS = {"<|calls|>": [*CALL, "</s>"], "<|says|>": [*WORDS, "</s>"], "<|goes_on|>": ["\u2581la", "\u2581la"]}
TEMPLATE = """{% if tools %}{% for tool in tools %}{{ tool | tojson }}
{% endfor %}{% endif %}{% for message in messages %}{{ message.role }}: {{ message.content or "" }}\
{% for call in message.tool_calls or [] %}<tool_call>{"name": {{ call.function.name | tojson }}, "arguments": \
{{ call.function.arguments | tojson }}}</tool_call>{% endfor %}
{% endfor %}{% if add_generation_prompt %}{% if "for ever" in (messages[-1].content or "") | string %}<|goes_on|>\
{% elif tools and messages[-1].role == "user" %}<|calls|>{% else %}<|says|>{% endif %}{% endif %}"""


def vocabulary():
    kinds = gguf.TokenType
    tokens = {"<unk>": kinds.UNKNOWN, "<s>": kinds.CONTROL, "</s>": kinds.CONTROL}
    tokens |= {f"<0x{byte:02X}>": kinds.BYTE for byte in range(256)}
    tokens |= {chain: kinds.CONTROL for chain in CHAINS}
    return tokens | {word: kinds.NORMAL for word in (*CALL, *WORDS, "\u2581la") if word not in tokens}


def write_model(path):
    tokens = vocabulary()
    place = {token: at for at, token in enumerate(tokens)}
    follows = {now: then for chain, words in CHAINS.items() for now, then in zip([chain, *words], words)}
    width = -(-(len(follows) + 1) // (2 * HEADS)) * 2 * HEADS
    embedding = numpy.zeros((len(tokens), width), numpy.float32)
    embedding[:, 0] = 1  # of all that nothing follows
    output = numpy.zeros((len(tokens), width), numpy.float32)
    output[place["</s>"], 0] = 100
    for dimension, (now, then) in enumerate(follows.items(), 1):
        embedding[place[now]] = numpy.eye(width)[dimension]
        output[place[then], dimension] = 100
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(1)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(list(tokens))
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(list(tokens.values()))
    writer.add_bos_token_id(place["<s>"])
    writer.add_eos_token_id(place["</s>"])
    writer.add_add_space_prefix(False)
    writer.add_chat_template(TEMPLATE)
    writer.add_tensor("token_embd.weight", embedding)
    writer.add_tensor("output.weight", output)
    for norm in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        writer.add_tensor(f"{norm}.weight", numpy.ones(width, numpy.float32))
    shapes = {f"attn_{part}": (width, width) for part in ("q", "k", "v", "output")}
    shapes |= {"ffn_gate": (INNER, width), "ffn_up": (INNER, width), "ffn_down": (width, INNER)}
    for name, shape in shapes.items():
        writer.add_tensor(f"blk.0.{name}.weight", numpy.zeros(shape, numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "chains.gguf"
        write_model(path)
        params = xllamacpp.CommonParams()
        params.model.path = str(path)
        params.model_alias = {"chains"}
        params.n_ctx = CONTEXT
        params.n_batch = params.n_ubatch = 64  # so large a context has small pieces
        params.n_parallel = 1
        params.cpuparams.n_threads = 1
        params.cpuparams_batch.n_threads = 1
        params.warmup = False
        params.use_jinja = True
        params.endpoint_slots = True
        params.port = 0
        params.verbosity = 5 if "-v" in sys.argv else 0
        server = xllamacpp.Server(params)
        print(server.listening_address, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
