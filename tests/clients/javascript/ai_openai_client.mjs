// ai with @ai-sdk/openai.

import { createOpenAI } from "@ai-sdk/openai";
import { tryProvider } from "./ai_sdk.mjs";

await tryProvider(createOpenAI);
