"""litellm with the prefix openai/: a model of another server, whole and as a stream, and one of pictures."""

import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # asks no other host for prices
import litellm

litellm.suppress_debug_info = True
ASK = [{"role": "user", "content": "hi"}]


def complete(name, messages, **fields):
    return litellm.completion(model=f"openai/{name}", messages=messages, api_base=os.environ["CLIENTS_URL"] + "/v1",
                              api_key=os.environ["CLIENTS_KEY"], num_retries=0, **fields)


whole = complete("far", ASK)
print(f"whole\t{whole.choices[0].message.content}, {whole.usage.completion_tokens} tokens")
print("stream\t" + "".join(chunk.choices[0].delta.content or "" for chunk in complete("far", ASK, stream=True)))
print("picture\t" + complete("grok-imagine-image", [{"role": "user", "content": "a red house"}])
      .choices[0].message.content)
