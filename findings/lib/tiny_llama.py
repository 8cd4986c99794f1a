# llama.cpp's own server with the smallest Llama, which it writes into the working folder: it says "hello" and no
# more. Prints its address; serves until its standard input ends.
import sys

import gguf
import numpy as np
import xllamacpp

WIDTH, CONTEXT = 32, 4096
KINDS = {"<unk>": gguf.TokenType.UNKNOWN, "<s>": gguf.TokenType.CONTROL, "</s>": gguf.TokenType.CONTROL,
         **{f"<0x{byte:02X}>": gguf.TokenType.BYTE for byte in range(256)}, "hello": gguf.TokenType.NORMAL}
TOKENS = list(KINDS)
SAID, END = TOKENS.index("hello"), TOKENS.index("</s>")


def write_model(path):
    # The block adds nothing, so a token's embedding says what follows: "hello", or behind that the end.
    embedding = np.zeros((len(TOKENS), WIDTH), np.float32)
    embedding[:, 0] = 1
    embedding[SAID] = np.eye(WIDTH)[1]
    output = np.zeros_like(embedding)
    output[SAID, 0] = output[END, 1] = 100
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(1)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(WIDTH)
    writer.add_head_count(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(TOKENS)
    writer.add_token_scores([0.0] * len(TOKENS))
    writer.add_token_types(list(KINDS.values()))
    writer.add_bos_token_id(TOKENS.index("<s>"))
    writer.add_eos_token_id(END)
    writer.add_tensor("token_embd.weight", embedding)
    writer.add_tensor("output.weight", output)
    for norm in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        writer.add_tensor(f"{norm}.weight", np.ones(WIDTH, np.float32))
    for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
        writer.add_tensor(f"blk.0.{name}.weight", np.zeros((WIDTH, WIDTH), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


write_model("tiny.gguf")
params = xllamacpp.CommonParams()
params.model.path = "tiny.gguf"
params.model_alias = {"tiny"}
params.n_ctx = CONTEXT
params.n_parallel = 1
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
params.warmup = False
params.use_jinja = True
params.port = 0
params.verbosity = 0
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
