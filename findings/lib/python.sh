# For findings about Python packages; sourced.

# with_packages PACKAGE==VERSION...: runs the program on standard input with just these packages, in a
# folder and an environment of its own that are thrown away. Fails when an assertion of it does.
with_packages() {
  local package
  for package in "$@"; do
    [[ $package == *==* ]] || { echo "$package: name an exact version" >&2; return 2; }
  done
  local folder python=python3
  [[ -x /usr/bin/python3 ]] && python=/usr/bin/python3  # Debian's, whatever stands first in PATH
  folder=$(mktemp -d)
  echo "== $(basename "$0" .sh) with $*"
  # -I: nothing from outside but what was installed here.
  if cat >"$folder/program.py" && "$python" -m venv "$folder/venv" &&
    "$folder/venv/bin/pip" install -q --disable-pip-version-check "$@" &&
    (cd "$folder" && venv/bin/python -I program.py); then
    echo "as described"
    rm -rf "$folder"
  else
    echo "NOT as described"
    rm -rf "$folder"
    return 1
  fi
}
