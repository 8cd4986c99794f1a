// ai with @ai-sdk/xai.

import { createXai } from "@ai-sdk/xai";
import { tryProvider, video } from "./ai_sdk.mjs";

await tryProvider(createXai, { "video": () => video(createXai) });
