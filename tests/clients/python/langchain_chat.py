"""langchain's ChatOpenAI: a model of another server, whole and as a stream, with a tool, and one of pictures."""

import os

from langchain_core.messages import HumanMessage, SystemMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI


@tool
def weather(at: str) -> str:
    """The weather of a place."""
    return at


def model(name, **fields):
    return ChatOpenAI(model=name, base_url=os.environ["CLIENTS_URL"] + "/v1", api_key=os.environ["CLIENTS_KEY"],
                      max_retries=0, **fields)


ASK = [SystemMessage("be brief"), HumanMessage("hi")]
whole = model("far").invoke(ASK)
print(f"whole\t{whole.content}, {whole.usage_metadata['output_tokens']} tokens")
print("stream\t" + "".join(chunk.content for chunk in model("far", stream_usage=True).stream(ASK)))
call = model("far").bind_tools([weather]).invoke([HumanMessage("use the tool")]).tool_calls[0]
print(f"tool\t{call['name']} {call['args']}")
print("picture\t" + model("grok-imagine-image").invoke([HumanMessage("a red house")]).content)
print("responses\t" + str(model("grok-imagine-image", use_responses_api=True)
                          .invoke([HumanMessage("a red house")]).text))
