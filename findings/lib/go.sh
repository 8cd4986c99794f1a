# For findings about Go modules; sourced.

# with_modules MODULE@VERSION...: runs the program on standard input with just these modules, in a folder
# of its own that is thrown away. Fails when it exits with an error.
with_modules() {
  local module
  for module in "$@"; do
    [[ $module == *@v[0-9]* ]] || { echo "$module: name an exact version" >&2; return 2; }
  done
  local folder
  folder=$(mktemp -d)
  echo "== $(basename "$0" .sh) with $*"
  if cat >"$folder/main.go" &&
    { (cd "$folder" && go mod init finding && go get "$@") 2>"$folder/log" || { cat "$folder/log" >&2; false; }; } &&
    (cd "$folder" && go run .); then
    echo "as described"
    rm -rf "$folder"
  else
    echo "NOT as described"
    rm -rf "$folder"
    return 1
  fi
}
