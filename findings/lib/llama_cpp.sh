# For findings about llama.cpp's server; sourced.
. "$(dirname "${BASH_SOURCE[0]}")/python.sh"

# serve_llama_cpp: starts llama.cpp's server with tiny_llama.py's model "tiny", from xllamacpp's wheel; it ends with
# the script. Exports its address as LLAMA_CPP.
serve_llama_cpp() {
  local packages=(xllamacpp==2026.10.11549 gguf==0.19.0 numpy==2.4.6) program folder venv
  program=$(realpath "$(dirname "${BASH_SOURCE[0]}")/tiny_llama.py")
  folder=$(mktemp -d)
  # shellcheck disable=SC2064  # now: folder is local
  trap "rm -rf '$folder'" EXIT
  venv=$(venv_for "$folder" "${packages[@]}")
  echo "== $(basename "$0" .sh) against ${packages[0]}"
  installed_in "$venv" "${packages[@]}"
  coproc LLAMA { cd "$folder" && exec "$venv/bin/python" -I "$program"; }
  # shellcheck disable=SC2064
  trap "kill $LLAMA_PID; rm -rf '$folder'" EXIT
  read -r -t 60 LLAMA_CPP <&"${LLAMA[0]}"
  export LLAMA_CPP
}
