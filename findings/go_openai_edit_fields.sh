#!/usr/bin/env bash
# A widely used client for Go, go-openai, drops the model, the quality and the user of an edit, and sends fields that nobody has filled in.
#
# Seen with github.com/sashabaranov/go-openai v1.41.2. ImageEditRequest has `Model`, `Quality` and `User`, and none of them is in the form that
# CreateEditImage sends: the server is to choose. What it does send, always, is `n`, `size` and `response_format`, and left alone these are "0", ""
# and "". The struct's own tags say that empty fields are omitted, and CreateImage, which sends JSON, does so. CreateVariImage is as the edit is. A
# picture from memory is sent under the file name "." and without a type; WrapReader names both.
#
# Why it matters: an edit is drawn, and billed, by another model and quality than were asked for, without an error; and a server that
# checks what it is sent refuses n = 0 and an empty size, which the caller never wrote. A server that wants to serve such callers takes an
# empty field of a form for one that is absent, and has a default model for edits that one would choose.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/go.sh"

with_modules github.com/sashabaranov/go-openai@v1.41.2 <<'GO'
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	openai "github.com/sashabaranov/go-openai"
)

var order string // what the last call asked for

func serve(answer http.ResponseWriter, request *http.Request) {
	answer.Header().Set("content-type", "application/json")
	defer io.WriteString(answer, `{"created": 1, "data": [{"b64_json": "AAAA"}]}`)
	parts, err := request.MultipartReader()
	if err != nil { // JSON
		body, _ := io.ReadAll(request.Body)
		order = string(body)
		return
	}
	var fields []string
	for part, err := parts.NextPart(); err == nil; part, err = parts.NextPart() {
		value, _ := io.ReadAll(part)
		if disposition := part.Header.Get("Content-Disposition"); strings.Contains(disposition, "filename") {
			value = []byte(disposition + " " + part.Header.Get("Content-Type"))
		}
		fields = append(fields, fmt.Sprintf("%s=%q", part.FormName(), value))
	}
	order = strings.Join(fields, " ")
}

func check(what string, err error, wanted string) {
	fmt.Println(what+":", order)
	if err != nil || order != wanted {
		fmt.Println("not as described", err)
		os.Exit(1)
	}
}

func main() {
	server := httptest.NewServer(http.HandlerFunc(serve))
	defer server.Close()
	config := openai.DefaultConfig("k")
	config.BaseURL = server.URL + "/v1"
	client := openai.NewClientWithConfig(config)
	background := context.Background()
	picture := func() io.Reader { return bytes.NewReader([]byte("\x89PNG")) }
	const memory = `image="form-data; name=\"image\"; filename=\".\" "`

	_, err := client.CreateImage(background,
		openai.ImageRequest{Prompt: "blue", Model: "gpt-image-1", Quality: "high", User: "me"})
	check("generation", err, `{"prompt":"blue","model":"gpt-image-1","quality":"high","user":"me"}`)

	_, err = client.CreateEditImage(background,
		openai.ImageEditRequest{Image: picture(), Prompt: "blue", Model: "gpt-image-1", Quality: "high", User: "me"})
	check("edit", err, memory+` prompt="blue" n="0" size="" response_format=""`)

	_, err = client.CreateVariImage(background,
		openai.ImageVariRequest{Image: picture(), Model: "dall-e-2", User: "me"})
	check("variation", err, memory+` n="0" size="" response_format=""`)

	_, err = client.CreateEditImage(background, openai.ImageEditRequest{
		Image: openai.WrapReader(picture(), "a.png", "image/png"), Prompt: "blue", N: 1, Size: "1024x1024"})
	check("edit, wrapped", err, `image="form-data; name=\"image\"; filename=\"a.png\" image/png"`+
		` prompt="blue" n="1" size="1024x1024" response_format=""`)
}
GO
