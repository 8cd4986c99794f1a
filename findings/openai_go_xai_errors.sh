#!/usr/bin/env bash
# OpenAI's client for Go makes of an error of xAI one of JSON, and forgets the status.
#
# Seen with openai-go v3.98.0. xAI answers a wrong key with 400 and
# `{"code": "...", "error": "Incorrect API key provided"}`, where OpenAI's `error` is an object. The client
# is pointed there by its base URL, and whatever the status, `err` is then no *openai.Error but a
# *json.UnmarshalTypeError, "json: cannot unmarshal string into Go value of type apierror.Error", which has
# neither the status nor the server's sentence. Plain text and `{}` keep their status.
#
# Why it matters: programs that tell a full quota (429) from a wrong key by `errors.As` see neither, and
# the log speaks of JSON where the key is wrong. A server that such clients are to understand must nest
# its errors.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/go.sh"

with_modules github.com/openai/openai-go/v3@v3.98.0 <<'GO'
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

// ask says what a caller can learn of an error with this status and body.
func ask(status int, kind, body string) (known bool, code int, text string) {
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
		out.Header().Set("content-type", kind)
		out.WriteHeader(status)
		fmt.Fprint(out, body)
	}))
	defer server.Close()
	client := openai.NewClient(option.WithBaseURL(server.URL), option.WithAPIKey("k"), option.WithMaxRetries(0))
	_, err := client.Images.Generate(context.Background(), openai.ImageGenerateParams{Prompt: "a red house"})
	var refused *openai.Error
	if errors.As(err, &refused) {
		code, text = refused.StatusCode, refused.Message
	}
	fmt.Printf("%d %s\n  %T: %v\n  as *openai.Error: %v, status %d, message %q\n",
		status, body, err, err, refused != nil, code, text)
	return refused != nil, code, text
}

func check(holds bool) {
	if !holds {
		fmt.Println("not as described")
		os.Exit(1)
	}
}

func main() {
	known, code, text := ask(401, "application/json", `{"error": {"message": "Incorrect API key provided", "code": "c"}}`)
	check(known && code == 401 && text == "Incorrect API key provided")
	for _, status := range []int{400, 429, 500} {
		known, code, text = ask(status, "application/json", `{"code": "c", "error": "Incorrect API key provided"}`)
		check(!known && code == 0 && text == "")
	}
	for kind, body := range map[string]string{"text/plain": "no", "application/json": "{}"} {
		known, code, text = ask(503, kind, body)
		check(known && code == 503 && text == "")
	}
}
GO
