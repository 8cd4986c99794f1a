#!/usr/bin/env bash
# gen2brain/webp darkens what is half transparent when it writes, and reads a lossless picture in other colours than it has.
#
# Seen with github.com/gen2brain/webp v0.6.1; golang.org/x/image v0.48.0 reads its lossless files exactly. Colours of Go's image.RGBA, which draw.Draw
# and most libraries work on, are multiplied by alpha; WebP's are not. Encode divides no alpha out: (200, 100, 50) at an alpha of
# 128 is stored as (100, 50, 25), so soft edges get dark rims. From an image.NRGBA of the same colours it is stored as
# it is. Decode returns luma and chroma for a lossless file too, in the range of video, which Go takes for JPEG's: orange (200, 100, 50) comes
# back as (190, 101, 57), black as (16, 16, 16), and each turn through a file goes on from there. No error, no warning, and `Lossless: true` in both cases.
#
# Why it matters: cut-outs and logos for an edit are pictures with alpha, and what was composed in Go loses its colours where nobody
# looks. Opaque pictures are written right, so that a test with a photograph passes.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/go.sh"

with_modules github.com/gen2brain/webp@v0.6.1 golang.org/x/image@v0.48.0 <<'GO'
package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"os"

	"github.com/gen2brain/webp"
	exact "golang.org/x/image/webp"
)

func check(holds bool) {
	if !holds {
		fmt.Println("not as described")
		os.Exit(1)
	}
}

// stored is the colour in the middle of a lossless file of a flat picture, as the exact reader and as the package itself reads it.
func stored(canvas draw.Image, of color.NRGBA) (file, back color.NRGBA) {
	draw.Draw(canvas, canvas.Bounds(), image.NewUniform(of), image.Point{}, draw.Src)
	var data bytes.Buffer
	check(webp.Encode(&data, canvas, webp.Options{Lossless: true, Exact: true}) == nil)
	middle := func(picture image.Image, err error) color.NRGBA {
		check(err == nil)
		return color.NRGBAModel.Convert(picture.At(8, 8)).(color.NRGBA)
	}
	file = middle(exact.Decode(bytes.NewReader(data.Bytes())))
	back = middle(webp.Decode(bytes.NewReader(data.Bytes())))
	fmt.Printf("%v in a %T: in the file %v, read back %v\n", of, canvas, file, back)
	return file, back
}

func main() {
	square := image.Rect(0, 0, 16, 16)
	opaque, half := color.NRGBA{200, 100, 50, 255}, color.NRGBA{200, 100, 50, 128}
	black := color.NRGBA{0, 0, 0, 255}

	file, _ := stored(image.NewNRGBA(square), half)
	check(file == half)
	file, _ = stored(image.NewRGBA(square), half)
	check(file == color.NRGBA{100, 50, 25, 128})

	file, back := stored(image.NewRGBA(square), opaque)
	check(file == opaque && back == color.NRGBA{190, 101, 57, 255})
	file, back = stored(image.NewRGBA(square), black)
	check(file == black && back == color.NRGBA{16, 16, 16, 255})
}
GO
