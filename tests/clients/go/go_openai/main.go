// go-openai, the community's client. It takes one picture for an edit.
package main

import (
	"bytes"
	"context"
	"fmt"

	"imagined/calls"

	"github.com/sashabaranov/go-openai"
)

func client(key string) *openai.Client {
	config := openai.DefaultConfig(key)
	config.BaseURL = calls.URLV1
	return openai.NewClientWithConfig(config)
}

func pictures(answer openai.ImageResponse) []calls.Picture {
	var found []calls.Picture
	for _, image := range answer.Data {
		found = append(found, calls.Picture{URL: image.URL, Base64: image.B64JSON})
	}
	return found
}

func ask(ctx context.Context, key string, request openai.ImageRequest) ([]calls.Picture, error) {
	if request.Model == "" {
		request.Model = calls.Model
	}
	if request.Prompt == "" {
		request.Prompt = calls.Prompt
	}
	answer, err := client(key).CreateImage(ctx, request)
	return pictures(answer), err
}

func generate(key string, request openai.ImageRequest) (string, error) {
	made, err := ask(context.Background(), key, request)
	if err != nil {
		return "", err
	}
	return calls.Links(made)
}

func edit() (string, error) {
	given, err := calls.Pictures(1)
	if err != nil {
		return "", err
	}
	answer, err := client(calls.Key).CreateEditImage(context.Background(), openai.ImageEditRequest{
		Model: calls.EditModel, Prompt: calls.Prompt, Image: bytes.NewReader(given[0])})
	if err != nil {
		return "", err
	}
	return calls.Links(pictures(answer))
}

func main() {
	calls.Run(
		calls.Named("url", func() (string, error) { return generate(calls.Key, openai.ImageRequest{}) }),
		calls.Named("b64", func() (string, error) {
			made, err := ask(context.Background(), calls.Key,
				openai.ImageRequest{ResponseFormat: openai.CreateImageResponseFormatB64JSON})
			if err != nil {
				return "", err
			}
			return calls.Base64(made)
		}),
		calls.Named("n=3", func() (string, error) { return generate(calls.Key, openai.ImageRequest{N: 3}) }),
		calls.Named("edit 1", edit),
		calls.Named("401", func() (string, error) { return generate(calls.WrongKey, openai.ImageRequest{}) }),
		calls.Named("404", func() (string, error) {
			return generate(calls.Key, openai.ImageRequest{Model: calls.NoModel})
		}),
		calls.Named("400", func() (string, error) { return generate(calls.Key, openai.ImageRequest{N: 11}) }),
		calls.Named("429", func() (string, error) {
			if _, err := generate(calls.LimitedKey, openai.ImageRequest{}); err != nil {
				return "", fmt.Errorf("the first: %w", err)
			}
			return generate(calls.LimitedKey, openai.ImageRequest{})
		}),
		calls.Named("moderated", func() (string, error) {
			return generate(calls.Key, openai.ImageRequest{Prompt: calls.ModeratedPrompt})
		}),
		calls.Named("cancel", func() (string, error) {
			ctx, stop := calls.Cancelled()
			defer stop()
			_, err := ask(ctx, calls.Key, openai.ImageRequest{Model: calls.SlowModel, N: 10})
			return "", err
		}),
	)
}
