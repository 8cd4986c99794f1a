#!/usr/bin/env bash
# go-openai orders an edit with n=0 unless it is told a number, and from no model whatever it is told.
#
# Seen with github.com/sashabaranov/go-openai v1.41.2. Of ImageRequest what is not set is not sent. ImageEditRequest goes out as a form by other code: `n`, `size`
# and `response_format` are in it always, not set as "0", "" and "", where OpenAI's reference has n from 1 to 10 and says that each may be left out. `Model` and
# `Quality`, fields of the same struct, are never in it, and neither raises an error: the edit is done by the service's usual model, or refused. A
# picture from memory has the file name "." and no content type; openai.WrapReader gives it both.
#
# Why it matters: services that read the form as OpenAI describes it refuse the edit for its number of pictures, and one that lets it through bills another model
# than the one that was asked for. Set N, Size and ResponseFormat always, and leave go-openai for edits where the model matters.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/go.sh"

with_modules github.com/sashabaranov/go-openai@v1.41.2 <<'GO'
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"

	"github.com/sashabaranov/go-openai"
)

// order is what a request said: its fields as text, and for each file its name and type.
type order map[string]string

var last order

func serve(answer http.ResponseWriter, request *http.Request) {
	last = order{}
	if strings.HasPrefix(request.Header.Get("Content-Type"), "multipart/form-data") {
		check(request.ParseMultipartForm(1<<20) == nil)
		for field, values := range request.MultipartForm.Value {
			last[field] = strings.Join(values, ",")
		}
		for field, files := range request.MultipartForm.File {
			last[field] = fmt.Sprintf("file %q of type %q", files[0].Filename, files[0].Header.Get("Content-Type"))
		}
	} else {
		var fields map[string]any
		check(json.NewDecoder(request.Body).Decode(&fields) == nil)
		for field, value := range fields {
			last[field] = fmt.Sprint(value)
		}
	}
	answer.Header().Set("Content-Type", "application/json")
	fmt.Fprint(answer, `{"created":1,"data":[{"b64_json":"UElD"}]}`)
}

func check(holds bool) {
	if !holds {
		fmt.Println("not as described")
		os.Exit(1)
	}
}

func sent(what string, err error, expected order) {
	fmt.Printf("%s: %q\n", what, last)
	check(err == nil && reflect.DeepEqual(last, expected))
}

func main() {
	server := httptest.NewServer(http.HandlerFunc(serve))
	defer server.Close()
	config := openai.DefaultConfig("k")
	config.BaseURL = server.URL + "/v1"
	client := openai.NewClientWithConfig(config)
	ctx := context.Background()
	picture := func() *bytes.Reader { return bytes.NewReader([]byte("\x89PNG\r\n\x1a\n")) }

	_, err := client.CreateImage(ctx, openai.ImageRequest{Model: "m", Prompt: "p", Quality: "high"})
	sent("a picture", err, order{"model": "m", "prompt": "p", "quality": "high"})

	_, err = client.CreateEditImage(ctx, openai.ImageEditRequest{Model: "m", Prompt: "p", Quality: "high", Image: picture()})
	sent("an edit", err, order{"prompt": "p", "n": "0", "size": "", "response_format": "", "image": `file "." of type ""`})

	_, err = client.CreateEditImage(ctx, openai.ImageEditRequest{Model: "m", Prompt: "p", Quality: "high", N: 2, Size: "1024x1024",
		ResponseFormat: "b64_json", Image: openai.WrapReader(picture(), "a.png", "image/png")})
	sent("an edit of which all is told", err, order{"prompt": "p", "n": "2", "size": "1024x1024", "response_format": "b64_json",
		"image": `file "a.png" of type "image/png"`})
}
GO
