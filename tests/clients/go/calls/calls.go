// Package calls is what the Go clients share: where the server is, and how a cell is told.
package calls

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

const (
	Model           = "grok-imagine-image"
	EditModel       = "grok-imagine-image-quality"
	SlowModel       = "slow"
	NoModel         = "no-such-model"
	Prompt          = "a red house beside two trees"
	ModeratedPrompt = "a catapult on a hill"
	CancelAfter     = 2 * time.Second
)

var (
	URLV1      = os.Getenv("CLIENTS_URL") + "/v1"
	Key        = os.Getenv("CLIENTS_KEY")
	WrongKey   = os.Getenv("CLIENTS_WRONG_KEY")
	LimitedKey = os.Getenv("CLIENTS_LIMITED_KEY")
)

// Pictures are the first count of those that edits are given.
func Pictures(count int) ([][]byte, error) {
	var pictures [][]byte
	for _, path := range strings.Split(os.Getenv("CLIENTS_PICTURES"), string(os.PathListSeparator))[:count] {
		bytes, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		pictures = append(pictures, bytes)
	}
	return pictures, nil
}

// Picture is one of an answer, in the two forms that it may have.
type Picture struct{ URL, Base64 string }

func Counted(number int, what string) string {
	if number != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", number, what)
}

func checkJPEG(file []byte) error {
	if !bytes.HasPrefix(file, []byte{0xff, 0xd8}) {
		return fmt.Errorf("not a JPEG")
	}
	return nil
}

// Links follows each, without a key.
func Links(pictures []Picture) (string, error) {
	for _, picture := range pictures {
		answer, err := http.Get(picture.URL)
		if err != nil {
			return "", err
		}
		file, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil {
			return "", err
		}
		if err := checkJPEG(file); err != nil {
			return "", err
		}
	}
	return Counted(len(pictures), "link"), nil
}

// Base64 looks at each picture.
func Base64(pictures []Picture) (string, error) {
	for _, picture := range pictures {
		file, err := base64.StdEncoding.DecodeString(picture.Base64)
		if err != nil {
			return "", err
		}
		if err := checkJPEG(file); err != nil {
			return "", err
		}
	}
	return Counted(len(pictures), "picture"), nil
}

// Call is one of the table.
type Call struct {
	name string
	make func() (string, error)
}

func Named(name string, make func() (string, error)) Call { return Call{name, make} }

// Cancelled is a context that ends while a slow model works.
func Cancelled() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), CancelAfter)
}

// Run makes each call and prints a line for it: what came, or the error, as a developer sees it.
func Run(calls ...Call) {
	for _, call := range calls {
		cell, err := call.make()
		if err != nil {
			cell = "`" + err.Error() + "`"
		}
		fmt.Printf("%s\t%s\n", call.name, strings.Join(strings.Fields(cell), " "))
	}
}
