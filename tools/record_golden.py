"""Records a run of diffusers' pipelines, which the engine's results are compared with.

    python tools/record_golden.py FOLDER --prompt TEXT --width 1024 --height 1024 --steps 4
        --guidance 2 --seed 0 [--reference FILE ...] [--lora FILE:SCALE ...] [--clip-frames N]
        [--no-decoded] --out FILE.golden.safetensors

FOLDER is any diffusers folder of Flux2KleinPipeline, Flux2KleinKVPipeline, FluxPipeline (which
takes no references), FluxKontextPipeline (which takes one), Flux2Pipeline, WanPipeline or
WanDMDPipeline. A clip is N frames that follow one reference of their size; the stock pipeline makes
them as one tall picture whose tokens are told that they stand at times 1, 2, ... and the reference
at 0, as the built-in model's trainer has it. Of a Wan N counts latent frames, which follow the
reference or, without one, are all there is. Everything is computed in float32 on one thread.
tests/golden/README.md says what the file holds. A folder may name, in model_index.json, what the
pipeline is called with: text_encoder_out_layers (default 9, 18, 27), max_sequence_length (default
512) and text_padding ("none": prompts keep their own length); and in vae/config.json a
border_shuffle: pixels per side that are channels to the autoencoder.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import (
    Flux2KleinKVPipeline,
    Flux2KleinPipeline,
    Flux2Pipeline,
    FlowMatchEulerDiscreteScheduler,
    FluxKontextPipeline,
    FluxPipeline,
    WanImageToVideoPipeline,
    WanPipeline,
)
from diffusers.pipelines.flux2.pipeline_flux2 import format_input
from diffusers.pipelines.wan.pipeline_wan import prompt_clean
from PIL import Image
from safetensors.torch import save_file

_FORMAT = "imagined-golden-1"


class Recorder:
    """A pipeline, how it is to be called, and the tensors of a run."""

    pipelines = {c.__name__: c for c in (Flux2KleinPipeline, Flux2KleinKVPipeline)}
    usual_taps = (9, 18, 27)

    def __init__(self, folder):
        index = json.loads((folder / "model_index.json").read_text())
        self.name = folder.name
        pipeline = self.pipelines[index["_class_name"]]
        self.pipeline = pipeline.from_pretrained(folder, dtype=torch.float32)
        self.knows_guidance = pipeline is not Flux2KleinKVPipeline
        self.has_two_passes = pipeline is Flux2KleinPipeline
        self.pipeline.set_progress_bar_config(disable=True)
        self.taps = tuple(index.get("text_encoder_out_layers", self.usual_taps))
        self.padded_length = (
            0 if index.get("text_padding") == "none" else index.get("max_sequence_length", 512)
        )
        self.longest = index.get("max_sequence_length", 512)
        self.shuffle = json.loads((folder / "vae" / "config.json").read_text()).get(
            "border_shuffle", 1
        )
        self.tensors = {}

    # ------------------------------------------------------------ prompt
    def _ids(self, prompt):
        """Token ids of a prompt in its template, 1 x T, cut and padded as the model asks."""
        tokenizer = self.pipeline.tokenizer
        text = tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}],
            tokenize=False,
            add_generation_prompt=True,
            enable_thinking=False,
        )
        if self.padded_length:
            padding = {"padding": "max_length", "max_length": self.padded_length}
        else:
            padding = {"max_length": self.longest}
        return tokenizer(text, return_tensors="pt", truncation=True, **padding)["input_ids"]

    def _states(self, prompt, prefix=""):
        """What the transformer reads of a prompt, 1 x T x J; records it."""
        ids = self._ids(prompt)
        states, _ = self.pipeline.encode_prompt(
            prompt, max_sequence_length=ids.shape[1], text_encoder_out_layers=self.taps
        )
        self.tensors[f"{prefix}input_ids"] = ids[0].long()
        self.tensors[f"{prefix}prompt_embeds"] = states[0]
        return states

    def load_loras(self, loras):
        """Lays adapters on the transformer, all of them at once."""
        for i, lora in enumerate(loras):
            path = Path(lora.rpartition(":")[0])
            self.pipeline.load_lora_weights(
                path.parent,
                weight_name=path.name,
                adapter_name=f"lora{i}",
                low_cpu_mem_usage=False,
            )
        if loras:
            scales = [float(lora.rpartition(":")[2]) for lora in loras]
            self.pipeline.set_adapters([f"lora{i}" for i in range(len(loras))], scales)

    # ------------------------------------------------------------ hooks
    def _record_steps(self):
        """Keeps each step's velocity, and the latents behind the last."""
        scheduler, step = self.pipeline.scheduler, self.pipeline.scheduler.step
        taken = 0

        def recorded(velocity, t, latents, **options):
            nonlocal taken
            result = step(velocity, t, latents, **options)
            self.tensors[f"velocity_{taken}"] = velocity[0].clone()
            self.tensors["latents"] = result[0][0].clone()
            taken += 1
            return result

        scheduler.step = recorded

    def _record_references(self):
        """Keeps the normalised latents of reference pictures, as tokens x channels."""
        encode = self.pipeline._encode_vae_image
        seen = 0

        def recorded(image, generator):
            nonlocal seen
            image = F.pixel_unshuffle(image, self.shuffle)
            latents = encode(image=image, generator=generator)
            self.tensors[f"reference_latents_{seen}"] = latents[0].flatten(1).T.clone()
            seen += 1
            return latents

        self.pipeline._encode_vae_image = recorded

    def _stand_in_time(self, frames, first, stride):
        """Moves the rows of a tall picture to the times first, first + stride, ... and the reference
        to 0.
        """
        transformer, forward = self.pipeline.transformer, self.pipeline.transformer.forward

        def moved(*args, hidden_states, img_ids, **options):
            ids = img_ids.clone()
            made = ids[..., : self.tensors["noise"][0].numel(), :]
            rows = (made[..., 1].max() + 1) // frames
            made[..., 0] = first + stride * (made[..., 1] // rows)
            made[..., 1] %= rows
            ids[..., made.shape[-2] :, 0] = 0
            return forward(*args, hidden_states=hidden_states, img_ids=ids, **options)

        transformer.forward = moved

    # ------------------------------------------------------------ run
    @torch.no_grad()
    def run(self, args):
        pipeline = self.pipeline
        width, height = args.width // self.shuffle, args.height // self.shuffle
        cell = pipeline.vae_scale_factor * 2  # pixels per token, behind the shuffle
        if args.width % (cell * self.shuffle) or args.height % (cell * self.shuffle):
            raise SystemExit(f"width and height must be multiples of {cell * self.shuffle}")
        tall = max(args.clip_frames, 1)
        noise = torch.randn(
            (1, pipeline.transformer.config.in_channels, tall * height // cell, width // cell),
            generator=torch.Generator().manual_seed(args.seed),
        )
        self.tensors["noise"] = noise[0]
        references = [Image.open(path).convert("RGB") for path in args.reference]
        for i, picture in enumerate(references):
            if self.shuffle > 1 and any(side % (cell * self.shuffle) for side in picture.size):
                raise SystemExit(f"sides of references must be multiples of {cell * self.shuffle}")
            self.tensors[f"reference_{i}"] = torch.from_numpy(np.array(picture))
        guided = (
            self.has_two_passes and args.guidance > 1 and not pipeline.config.is_distilled
        )
        options = {"guidance_scale": args.guidance} if self.knows_guidance else {}
        states = {"prompt_embeds": self._states(args.prompt)}
        if guided:
            states["negative_prompt_embeds"] = self._states("", "negative_")
        self._record_steps()
        self._record_references()
        if args.clip_frames:
            self._stand_in_time(args.clip_frames, args.clip_first, args.clip_stride)
        latents = pipeline(
            image=references or None,
            height=tall * height,
            width=width,
            num_inference_steps=args.steps,
            latents=noise,
            output_type="latent",
            **states,
            **options,
        ).images
        self.tensors["sigmas"] = pipeline.scheduler.sigmas.float()
        latents = self._planes(latents, tall * height // cell, width // cell)
        latents = latents.chunk(tall, 2)[-1]  # a clip's last frame
        decoded = pipeline.vae.decode(latents, return_dict=False)[0]
        if self.shuffle > 1:
            decoded = F.pixel_shuffle(decoded, self.shuffle)
        self._keep_picture(decoded, args)

    def _planes(self, latents, rows, cols):
        """The last latents as the autoencoder takes them."""
        return latents

    def _keep_picture(self, decoded, args):
        if not args.no_decoded:
            self.tensors["decoded"] = decoded[0]
        pixels = ((decoded[0] / 2 + 0.5).clamp(0, 1) * 255).round().byte()
        self.tensors["image"] = pixels.permute(1, 2, 0)

    def save(self, args):
        said = {
            "format": _FORMAT,
            "model": self.name,
            "prompt": args.prompt,
            "negative_prompt": "",
            "width": args.width,
            "height": args.height,
            "steps": args.steps,
            "guidance": args.guidance,
            "references": len(args.reference),
            "clip_frames": args.clip_frames,
            "clip_first": args.clip_first,
            "clip_stride": args.clip_stride,
            "loras": ",".join(Path(lora).name for lora in args.lora),
            "text_encoder_out_layers": ",".join(map(str, self.taps)),
            "max_sequence_length": self.padded_length,
        }
        save_file(
            {name: value.contiguous() for name, value in self.tensors.items()},
            args.out,
            {key: str(value) for key, value in said.items()},
        )


class Flux2DevRecorder(Recorder):
    """The same for Flux2Pipeline: a conversation for a processor, guidance in the transformer."""

    pipelines = {"Flux2Pipeline": Flux2Pipeline}
    usual_taps = (10, 20, 30)

    def _ids(self, prompt):
        return self.pipeline.tokenizer.apply_chat_template(
            format_input([prompt]),
            add_generation_prompt=False,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            padding="max_length",
            truncation=True,
            max_length=self.padded_length,
        )["input_ids"]

    def _planes(self, latents, rows, cols):
        vae = self.pipeline.vae
        planes = latents.transpose(1, 2).unflatten(2, (rows, cols))
        variance = vae.bn.running_var.view(1, -1, 1, 1) + vae.config.batch_norm_eps
        planes = planes * variance.sqrt() + vae.bn.running_mean.view(1, -1, 1, 1)
        return self.pipeline._unpatchify_latents(planes)


class Flux1Recorder(Recorder):
    """The same for FLUX.1: two text encoders, noise drawn before it is packed."""

    def __init__(self, folder):
        index = json.loads((folder / "model_index.json").read_text())
        self.name = folder.name
        self.takes_reference = index["_class_name"] == "FluxKontextPipeline"
        pipeline = FluxKontextPipeline if self.takes_reference else FluxPipeline
        self.pipeline = pipeline.from_pretrained(folder, dtype=torch.float32)
        self.pipeline.set_progress_bar_config(disable=True)
        self.padded_length = index.get("max_sequence_length", 512)
        self.taps = ()
        self.tensors = {}

    def _states(self, prompt):
        """What the transformer reads of a prompt; records it."""
        for name, tokenizer, length in (
            ("input_ids", self.pipeline.tokenizer_2, self.padded_length),
            ("input_ids_clip", self.pipeline.tokenizer, self.pipeline.tokenizer_max_length),
        ):
            ids = tokenizer(prompt, padding="max_length", max_length=length, truncation=True)
            self.tensors[name] = torch.tensor(ids["input_ids"])
        states, pooled, _ = self.pipeline.encode_prompt(
            prompt, prompt, max_sequence_length=self.padded_length
        )
        self.tensors["prompt_embeds"] = states[0]
        self.tensors["pooled_prompt_embeds"] = pooled[0]
        return {"prompt_embeds": states, "pooled_prompt_embeds": pooled}

    def _record_references(self):
        """Keeps the reference's normalised latents, folded into tokens."""
        encode = self.pipeline._encode_vae_image

        def recorded(image, generator):
            # Of pictures that lie pixel by pixel, as the processor leaves them, PyTorch 2.15 takes
            # the statistics of norms inexactly: 3e-4 at a million pixels.
            latents = encode(image=image.contiguous(), generator=generator)
            tokens = self.pipeline._pack_latents(latents, *latents.shape)
            self.tensors["reference_latents_0"] = tokens[0].clone()
            return latents

        self.pipeline._encode_vae_image = recorded

    def _reference_options(self, args):
        """What FluxKontextPipeline alone takes."""
        if len(args.reference) > self.takes_reference:
            raise SystemExit(f"{type(self.pipeline).__name__} takes fewer references")
        if not self.takes_reference:
            return {}
        self._record_references()
        # Else every picture is made with a million pixels.
        options = {"max_area": args.width * args.height}
        for path in args.reference:
            picture = Image.open(path).convert("RGB")
            self.tensors["reference_0"] = torch.from_numpy(np.array(picture))
            options["image"] = picture
        return options

    @torch.no_grad()
    def run(self, args):
        pipeline = self.pipeline
        options = self._reference_options(args)
        scale = pipeline.vae_scale_factor  # pixels per latent
        if args.width % (2 * scale) or args.height % (2 * scale):
            raise SystemExit(f"width and height must be multiples of {2 * scale}")
        channels = pipeline.transformer.config.in_channels // 4
        rows, cols = args.height // scale, args.width // scale
        noise = torch.randn(
            (1, channels, rows, cols), generator=torch.Generator().manual_seed(args.seed)
        )
        self.tensors["noise"] = noise[0]
        states = self._states(args.prompt)
        self._record_steps()
        latents = pipeline(
            height=args.height,
            width=args.width,
            num_inference_steps=args.steps,
            guidance_scale=args.guidance,
            latents=pipeline._pack_latents(noise, 1, channels, rows, cols),
            max_sequence_length=self.padded_length,
            output_type="latent",
            **states,
            **options,
        ).images
        self.tensors["sigmas"] = pipeline.scheduler.sigmas.float()
        latents = pipeline._unpack_latents(latents, args.height, args.width, scale)
        config = pipeline.vae.config
        latents = latents / config.scaling_factor + config.shift_factor
        self._keep_picture(pipeline.vae.decode(latents, return_dict=False)[0], args)


class DmdScheduler(FlowMatchEulerDiscreteScheduler):
    """Steps of FastVideo's WanDMDPipeline in the place of a stock pipeline's scheduler.

    Each goes to where the velocity points, in double, and back to the next of three fixed times
    with new noise. The levels are those of training's table, whose times are nearest.
    """

    times = (1000, 757, 522)

    def __init__(self, shift, generator):
        super().__init__(shift=shift)
        self.generator = generator
        self.drawn = []  # noise of each step but the last

    def set_timesteps(self, steps, device):
        nearest = [(self.timesteps - t).abs().argmin() for t in self.times]
        self.sigmas = torch.tensor([*(self.sigmas[i] for i in nearest), 0.0])
        self.timesteps = torch.tensor(self.times)

    def step(self, velocity, t, latents, return_dict):
        at = self.times.index(int(t))
        level, following = self.sigmas[at : at + 2].double()
        clean = (latents.double() - level * velocity.double()).float()
        if following == 0:
            return (clean,)
        noise = torch.randn(latents.shape, generator=self.generator)
        self.drawn.append(noise)
        return (((1 - following) * clean + following * noise).float(),)


class WanRecorder:
    """The same for Wan 2.2 TI2V: a clip, whose first latent frame may be the reference's."""

    pipelines = ("WanPipeline", "WanDMDPipeline")

    def __init__(self, folder):
        self.folder = folder
        self.name = folder.name
        index = json.loads((folder / "model_index.json").read_text())
        self.fast = index["_class_name"] == "WanDMDPipeline"
        self.padded_length = index.get("max_sequence_length", 512)
        self.taps = ()
        self.tensors = {}
        self.loras = []

    def load_loras(self, loras):
        self.loras = loras  # for the pipeline, which the run decides

    def _open(self, pipeline):
        self.pipeline = pipeline.from_pretrained(self.folder, dtype=torch.float32)
        self.pipeline.set_progress_bar_config(disable=True)
        self.pipeline.register_to_config(expand_timesteps=True)
        Recorder.load_loras(self, self.loras)
        if self.fast:
            shift = self.pipeline.scheduler.config.flow_shift
            self.pipeline.scheduler = DmdScheduler(shift, self.generator)

    def _tokens(self, latents):
        """C x frames x rows x columns to tokens x 4 C, without a first frame that is given."""
        made = latents[:, self.given :]
        return F.pixel_unshuffle(made.transpose(0, 1), 2).permute(0, 2, 3, 1).flatten(0, 2).clone()

    def _keep_noise(self, name, noise):
        """That of the frames that are made, one below the other."""
        self.tensors[name] = noise[0, :, self.given :].flatten(1, 2).clone()

    def _states(self, prompt, prefix=""):
        options = {"padding": "max_length", "max_length": self.padded_length, "truncation": True}
        ids = self.pipeline.tokenizer(prompt_clean(prompt), **options)["input_ids"]
        states, _ = self.pipeline.encode_prompt(
            prompt, do_classifier_free_guidance=False, max_sequence_length=self.padded_length
        )
        self.tensors[f"{prefix}input_ids"] = torch.tensor(ids)
        self.tensors[f"{prefix}prompt_embeds"] = states[0]
        return states

    def _record_steps(self):
        scheduler, step = self.pipeline.scheduler, self.pipeline.scheduler.step
        taken = 0

        def recorded(velocity, t, latents, **options):
            nonlocal taken
            result = step(velocity, t, latents, **options)
            self.tensors[f"velocity_{taken}"] = self._tokens(velocity[0])
            self.tensors["latents"] = self._tokens(result[0][0])
            taken += 1
            return result

        scheduler.step = recorded

    @torch.no_grad()
    def run(self, args):
        self.given = len(args.reference)
        self.generator = torch.Generator().manual_seed(args.seed)
        self._open(WanImageToVideoPipeline if self.given else WanPipeline)
        pipeline = self.pipeline
        vae = pipeline.vae.config
        side = vae.scale_factor_spatial
        frames = max(args.clip_frames, 1) + self.given  # latent ones
        noise = torch.randn(
            (1, vae.z_dim, frames, args.height // side, args.width // side),
            generator=self.generator,
        )
        self._keep_noise("noise", noise)
        options = {}
        for path in args.reference:
            picture = Image.open(path).convert("RGB")
            if picture.size != (args.width, args.height):
                raise SystemExit("the reference must have the clip's size")
            self.tensors["reference_0"] = torch.from_numpy(np.array(picture))
            options["image"] = picture
        states = {"prompt_embeds": self._states(args.prompt)}
        if args.guidance > 1:
            states["negative_prompt_embeds"] = self._states("", "negative_")
        self._record_steps()
        latents = pipeline(
            height=args.height,
            width=args.width,
            num_frames=(frames - 1) * vae.scale_factor_temporal + 1,
            num_inference_steps=args.steps,
            guidance_scale=args.guidance,
            latents=noise,
            output_type="latent",
            **states,
            **options,
        ).frames
        for i, drawn in enumerate(pipeline.scheduler.drawn if self.fast else []):
            self._keep_noise(f"noise_{i + 1}", drawn)
        self.tensors["sigmas"] = pipeline.scheduler.sigmas.float()
        if self.given:
            first = F.pixel_unshuffle(latents[0, :, 0], 2)
            self.tensors["reference_latents_0"] = first.flatten(1).T.clone()
        mean = torch.tensor(vae.latents_mean).view(1, -1, 1, 1, 1)
        deviation = torch.tensor(vae.latents_std).view(1, -1, 1, 1, 1)
        last = pipeline.vae.decode(latents * deviation + mean, return_dict=False)[0][0, :, -1]
        if not args.no_decoded:
            self.tensors["decoded"] = last
        pixels = ((last / 2 + 0.5).clamp(0, 1) * 255).round().byte()
        self.tensors["image"] = pixels.permute(1, 2, 0)

    save = Recorder.save


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--prompt", required=True)
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--height", type=int, default=1024)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--guidance", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reference", type=Path, nargs="*", default=[])
    parser.add_argument("--clip-frames", type=int, default=0)
    parser.add_argument("--clip-first", type=int, default=1, help="time of the first")
    parser.add_argument("--clip-stride", type=int, default=1, help="from one to the next")
    parser.add_argument("--lora", nargs="*", default=[], metavar="FILE:SCALE")
    parser.add_argument(
        "--no-decoded", action="store_true", help="leave out the decoder's float output (large)"
    )
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    index = json.loads((args.folder / "model_index.json").read_text())
    kinds = [k for k in (Recorder, Flux2DevRecorder, WanRecorder) if index["_class_name"] in k.pipelines]
    recorder = (kinds[0] if kinds else Flux1Recorder)(args.folder)
    recorder.load_loras(args.lora)
    recorder.run(args)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    recorder.save(args)
    print(f"{args.out}: {args.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
