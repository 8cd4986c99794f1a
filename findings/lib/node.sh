# For findings about npm packages; sourced.

# with_npm PACKAGE@VERSION...: runs the module on standard input under Node with just these packages, in
# a folder of its own that is thrown away. Fails when an assertion of it does.
with_npm() {
  local package
  for package in "$@"; do
    [[ ${package#@} == *@[0-9]* ]] || { echo "$package: name an exact version" >&2; return 2; }
  done
  local folder
  folder=$(mktemp -d)
  echo "== $(basename "$0" .sh) with $*"
  echo '{"private": true}' >"$folder/package.json"
  # Without scripts: nothing of a package runs but what the module calls.
  if cat >"$folder/program.mjs" &&
    (cd "$folder" && npm install --loglevel=error --ignore-scripts --no-audit --no-fund \
      --save-exact "$@" >/dev/null && node program.mjs); then
    echo "as described"
    rm -rf "$folder"
  else
    echo "NOT as described"
    rm -rf "$folder"
    return 1
  fi
}
