# For findings about Java packages; sourced.

# with_maven GROUP:ARTIFACT:VERSION...: runs the class Program on standard input with just these packages,
# in a folder of its own that is thrown away. Fails when a check of it throws.
with_maven() {
  local package
  for package in "$@"; do
    [[ $package == *:*:[0-9]* ]] || { echo "$package: name an exact version" >&2; return 2; }
  done
  local folder group artifact version
  folder=$(mktemp -d)
  echo "== $(basename "$0" .sh) with $*"
  {
    echo '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
    echo '<groupId>finding</groupId><artifactId>finding</artifactId><version>0</version><dependencies>'
    for package in "$@"; do
      IFS=: read -r group artifact version <<<"$package"
      echo "<dependency><groupId>$group</groupId><artifactId>$artifact</artifactId>"
      echo "<version>$version</version></dependency>"
    done
    echo '</dependencies></project>'
  } >"$folder/pom.xml"
  if cat >"$folder/Program.java" &&
    (cd "$folder" && mvn -B -q dependency:build-classpath -Dmdep.outputFile=classpath >/dev/null &&
      java -cp "$(cat classpath)" Program.java); then
    echo "as described"
    rm -rf "$folder"
  else
    echo "NOT as described"
    rm -rf "$folder"
    return 1
  fi
}
