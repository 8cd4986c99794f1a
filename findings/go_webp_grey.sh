#!/usr/bin/env bash
# Go's reader of WebP shows black as dark grey and white as light grey.
#
# Seen with golang.org/x/image v0.48.0. Lossy WebP keeps luma from 16 to 235, and webp.Decode hands it on as an image.YCbCr, whose colours are by
# JPEG's rule, luma from 0 to 255. Black becomes (16, 16, 16), white (235, 235, 235), pure red (239, 15, 14), for At(),
# draw.Draw and the encoders of PNG and JPEG alike. The files below are right: Pillow, which wrote them with libwebp, reads them within 1.
# Lossless WebP comes back exact. The issue is golang/go#40173, open since 2020.
#
# Why it matters: a thumbnailer or a proxy in Go that reads our users' WebP makes each picture dull, once more with each turn
# through WebP, and one that sends it to an edit hands over other colours than the user sees.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/go.sh"

with_modules golang.org/x/image@v0.48.0 <<'GO'
package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"

	"golang.org/x/image/webp"
)

// Flat pictures of 16x16 pixels, by Pillow 13.0 with quality 100, or with lossless. It reads the red one as (255, 1, 0), the others
// as they were.
const (
	black         = "UklGRiYAAABXRUJQVlA4IBoAAAAwAQCdASoQABAAAAAAJaQAA3AA/v/fbtQAAA=="
	white         = "UklGRiYAAABXRUJQVlA4IBoAAAAwAQCdASoQABAAAAAAJaQAA3AA/v/e3PAAAA=="
	red           = "UklGRkQAAABXRUJQVlA4IDgAAABQAgCdASoQABAAAAAAJaACdLoB+AH6AfwAB5AA/v9vVv/8sPx/Unn/yxD//xPTm8RU8r/+JkAAAA=="
	blackLossless = "UklGRhoAAABXRUJQVlA4TA4AAAAvD8ADAAcQEf0PRET/Aw=="
	whiteLossless = "UklGRh4AAABXRUJQVlA4TBEAAAAvD8ADAAfQ//73v/+BiOh/AAA="
)

// seen is the colour in the middle of the picture, and of its copy as a PNG.
func seen(name, file string) color.RGBA {
	data, err := base64.StdEncoding.DecodeString(file)
	check(err == nil)
	picture, err := webp.Decode(bytes.NewReader(data))
	check(err == nil)
	var copied bytes.Buffer
	check(png.Encode(&copied, picture) == nil)
	back, err := png.Decode(&copied)
	check(err == nil)
	middle := func(of image.Image) color.RGBA { return color.RGBAModel.Convert(of.At(8, 8)).(color.RGBA) }
	fmt.Printf("%s: a %T, %v, as PNG %v\n", name, picture, middle(picture), middle(back))
	check(middle(picture) == middle(back))
	return middle(picture)
}

func check(holds bool) {
	if !holds {
		fmt.Println("not as described")
		os.Exit(1)
	}
}

func main() {
	check(seen("black", black) == color.RGBA{16, 16, 16, 255})
	check(seen("white", white) == color.RGBA{235, 235, 235, 255})
	check(seen("red", red) == color.RGBA{239, 15, 14, 255})
	check(seen("black, lossless", blackLossless) == color.RGBA{0, 0, 0, 255})
	check(seen("white, lossless", whiteLossless) == color.RGBA{255, 255, 255, 255})
}
GO
