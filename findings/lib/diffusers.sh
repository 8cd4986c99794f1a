# For findings about diffusers; sourced.
. "$(dirname "${BASH_SOURCE[0]}")/python.sh"

# with_diffusers: runs the program on standard input behind tiny_flux.py, with the packages in which all
# these findings were seen (3 GB; FINDINGS_KEEP lets them share one installation).
with_diffusers() {
  cat "$(dirname "${BASH_SOURCE[0]}")/tiny_flux.py" - | with_packages torch==2.15.0 numpy==2.4.6 \
    diffusers==0.42.1 transformers==5.24.0 peft==0.21.2 pillow==13.0.0
}
