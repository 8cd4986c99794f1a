#!/usr/bin/env bash
# Wan's text-to-video pipeline of diffusers runs without an optional package that its image-to-video pipeline cannot do without.
#
# Seen with diffusers 0.42.1, transformers 5.24.0 and PyTorch 2.15.0, ftfy not installed. Both pipelines clean the prompt by a function
# of the same name; one asks whether ftfy is there, the other calls it whether or not it was imported, so that every prompt ends in a
# NameError. Nothing says so before: the pipeline is imported and built.
#
# Why it matters: who checks our Wan 2.2 against diffusers meets it with the first picture. ftfy also repairs texts (mojibake, HTML
# entities), which we do not, so a run recorded with it may have other tokens than ours for such a prompt.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/diffusers.sh"

with_diffusers <<'PY'
import importlib.util

from diffusers.pipelines.wan import pipeline_wan, pipeline_wan_i2v

assert importlib.util.find_spec("ftfy") is None


def cleaned(pipeline):
    try:
        return pipeline.prompt_clean("a red house")
    except NameError as error:
        return f"NameError: {error}"


text, image = cleaned(pipeline_wan), cleaned(pipeline_wan_i2v)
print(f"text to video: {text}; image to video: {image}")
assert text == "a red house" and image == "NameError: name 'ftfy' is not defined"
PY
