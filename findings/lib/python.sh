# For findings about Python packages; sourced.

# with_packages PACKAGE==VERSION...: runs the program on standard input with just these packages, in a
# folder and an environment of its own that are thrown away. Fails when an assertion of it does. With
# FINDINGS_KEEP=FOLDER in the caller's environment the packages stay installed in FOLDER, and findings
# that name the same ones share them.
with_packages() {
  local package
  for package in "$@"; do
    [[ $package == *==* ]] || { echo "$package: name an exact version" >&2; return 2; }
  done
  local folder venv
  folder=$(mktemp -d)
  venv=$(venv_for "$folder" "$@")
  echo "== $(basename "$0" .sh) with $*"
  # -I: nothing from outside but what was installed here.
  if cat >"$folder/program.py" && installed_in "$venv" "$@" &&
    (cd "$folder" && "$venv/bin/python" -I program.py); then
    echo "as described"
    rm -rf "$folder"
  else
    echo "NOT as described"
    rm -rf "$folder"
    return 1
  fi
}

# venv_for FOLDER PACKAGE==VERSION...: where an environment with these packages belongs: in FOLDER, unless it is kept.
venv_for() {
  local folder=$1
  shift
  if [[ -z ${FINDINGS_KEEP:-} ]]; then
    echo "$folder/venv"
  else
    echo "$FINDINGS_KEEP/$(sha256sum <<<"$*" | head -c 16)"
  fi
}

# installed_in FOLDER PACKAGE==VERSION...: an environment with just these packages, unless it is there.
installed_in() {
  local venv=$1 python=python3
  shift
  [[ -e $venv/complete ]] && return
  [[ -x /usr/bin/python3 ]] && python=/usr/bin/python3  # Debian's, whatever stands first in PATH
  "$python" -m venv --clear "$venv" &&
    "$venv/bin/pip" install -q --disable-pip-version-check "$@" && touch "$venv/complete"
}
