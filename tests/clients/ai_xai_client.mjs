// ai with @ai-sdk/xai.

import { createXai } from "@ai-sdk/xai";
import { tryProvider } from "./ai_sdk.mjs";

await tryProvider(createXai);
