// ai with @ai-sdk/xai, which has responses alone: a model of another server, whole and as a stream, and one of
// pictures.

import { generateText, streamText } from "ai";
import { createXai } from "@ai-sdk/xai";

const xai = createXai({ baseURL: `${process.env.CLIENTS_URL}/v1`, apiKey: process.env.CLIENTS_KEY });
const ask = { prompt: "hi", maxRetries: 0 };

const whole = await generateText({ model: xai.responses("far"), ...ask });
console.log(`whole\t${whole.text}, ${whole.usage.outputTokens} tokens`);
console.log(`stream\t${await streamText({ model: xai.responses("far"), ...ask }).text}`);
const turns = [{ role: "user", content: "hi" }, ...whole.response.messages, { role: "user", content: "and now?" }];
const second = await generateText({ model: xai.responses("far"), messages: turns, maxRetries: 0 });
console.log(`second\t${second.text}`);
const picture = await generateText({ model: xai.responses("grok-imagine-image"), ...ask, prompt: "a red house" });
console.log(`responses\t${picture.text}`);
