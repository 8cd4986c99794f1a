// openai-go, v3.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"imagined/calls"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

func client(key string) openai.Client {
	return openai.NewClient(option.WithBaseURL(calls.URLV1), option.WithAPIKey(key), option.WithMaxRetries(0))
}

func pictures(answer *openai.ImagesResponse) []calls.Picture {
	var found []calls.Picture
	for _, image := range answer.Data {
		found = append(found, calls.Picture{URL: image.URL, Base64: image.B64JSON})
	}
	return found
}

// described is what Error() leaves out: it says only the status, the server's sentence is in Message.
func described(err error) error {
	var refused *openai.Error
	if errors.As(err, &refused) {
		return fmt.Errorf("%w` and .Message `%s", err, refused.Message)
	}
	return err
}

func ask(ctx context.Context, key string, params openai.ImageGenerateParams) ([]calls.Picture, error) {
	if params.Model == "" {
		params.Model = calls.Model
	}
	if params.Prompt == "" {
		params.Prompt = calls.Prompt
	}
	images := client(key).Images
	answer, err := images.Generate(ctx, params)
	if err != nil {
		return nil, described(err)
	}
	return pictures(answer), nil
}

func generate(key string, params openai.ImageGenerateParams) (string, error) {
	made, err := ask(context.Background(), key, params)
	if err != nil {
		return "", err
	}
	return calls.Links(made)
}

func edit(count int) (string, error) {
	given, err := calls.Pictures(count)
	if err != nil {
		return "", err
	}
	var image openai.ImageEditParamsImageUnion
	for number, picture := range given {
		file := openai.File(bytes.NewReader(picture), fmt.Sprintf("%d.png", number), "image/png")
		image.OfFileArray = append(image.OfFileArray, file)
	}
	if count == 1 {
		image = openai.ImageEditParamsImageUnion{OfFile: io.Reader(bytes.NewReader(given[0]))}
	}
	images := client(calls.Key).Images
	answer, err := images.Edit(context.Background(),
		openai.ImageEditParams{Model: calls.EditModel, Prompt: calls.Prompt, Image: image})
	if err != nil {
		return "", described(err)
	}
	return calls.Links(pictures(answer))
}

func stream() (string, error) {
	images := client(calls.Key).Images
	events := images.GenerateStreaming(context.Background(), openai.ImageGenerateParams{
		Model: calls.Model, Prompt: calls.Prompt, PartialImages: openai.Int(2)})
	previews := 0
	var made []calls.Picture
	for events.Next() {
		switch event := events.Current().AsAny().(type) {
		case openai.ImageGenPartialImageEvent:
			previews++
		case openai.ImageGenCompletedEvent:
			made = append(made, calls.Picture{Base64: event.B64JSON})
		}
	}
	if err := events.Err(); err != nil {
		return "", described(err)
	}
	seen, err := calls.Base64(made)
	return calls.Counted(previews, "preview") + ", " + seen, err
}

func main() {
	calls.Run(
		calls.Named("url", func() (string, error) { return generate(calls.Key, openai.ImageGenerateParams{}) }),
		calls.Named("b64", func() (string, error) {
			made, err := ask(context.Background(), calls.Key, openai.ImageGenerateParams{
				ResponseFormat: openai.ImageGenerateParamsResponseFormatB64JSON})
			if err != nil {
				return "", err
			}
			return calls.Base64(made)
		}),
		calls.Named("n=3", func() (string, error) {
			return generate(calls.Key, openai.ImageGenerateParams{N: openai.Int(3)})
		}),
		calls.Named("edit 1", func() (string, error) { return edit(1) }),
		calls.Named("edit 3", func() (string, error) { return edit(3) }),
		calls.Named("edit 8", func() (string, error) { return edit(8) }),
		calls.Named("stream", stream),
		calls.Named("401", func() (string, error) { return generate(calls.WrongKey, openai.ImageGenerateParams{}) }),
		calls.Named("404", func() (string, error) {
			return generate(calls.Key, openai.ImageGenerateParams{Model: calls.NoModel})
		}),
		calls.Named("400", func() (string, error) {
			return generate(calls.Key, openai.ImageGenerateParams{N: openai.Int(11)})
		}),
		calls.Named("429", func() (string, error) {
			if _, err := generate(calls.LimitedKey, openai.ImageGenerateParams{}); err != nil {
				return "", fmt.Errorf("the first: %w", err)
			}
			return generate(calls.LimitedKey, openai.ImageGenerateParams{})
		}),
		calls.Named("moderated", func() (string, error) {
			return generate(calls.Key, openai.ImageGenerateParams{Prompt: calls.ModeratedPrompt})
		}),
		calls.Named("video", func() (string, error) {
			videos := client(calls.Key).Videos
			_, err := videos.New(context.Background(),
				openai.VideoNewParams{Model: "grok-imagine-video", Prompt: calls.Prompt})
			return "", described(err)
		}),
		calls.Named("cancel", func() (string, error) {
			ctx, stop := calls.Cancelled()
			defer stop()
			_, err := ask(ctx, calls.Key,
				openai.ImageGenerateParams{Model: calls.SlowModel, N: openai.Int(10)})
			return "", err
		}),
	)
}
