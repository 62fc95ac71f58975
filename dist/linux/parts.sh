# shellcheck shell=bash disable=SC2154
# What is made for the Linux packages from Cargo.toml, CHANGELOG.md and the programs themselves. Sourced after
# dist/common.sh, from the top of the checkout.

# release_notes: the changelog's bullets of this version, one a line; of the unreleased part when it has none yet.
release_notes() {
  local heading
  for heading in "$version" Unreleased; do
    awk -v want="$heading" '
      /^## / { name = $2; gsub(/[][]/, "", name); inside = name == want; next }
      inside && /^- / { print substr($0, 3) }' CHANGELOG.md >"$stage/notes"
    [[ ! -s $stage/notes ]] || break
  done
  [[ -s $stage/notes ]] || die "CHANGELOG.md has nothing about $version"
  cat "$stage/notes"
}

# metainfo FILE: the AppStream metadata with this release in it.
metainfo() {
  {
    sed '/@RELEASES@/,$d' dist/linux/app.rollcall.Rollcall.metainfo.xml
    printf '  <releases>\n    <release version="%s" date="%s">\n      <description>\n        <ul>\n' \
      "$version" "$(date --utc --date="@$SOURCE_DATE_EPOCH" +%F)"
    release_notes | sed 's/`//g; s/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g; s|.*|          <li>&</li>|'
    printf '        </ul>\n      </description>\n    </release>\n  </releases>\n'
    sed '1,/@RELEASES@/d' dist/linux/app.rollcall.Rollcall.metainfo.xml
  } >"$1"
}

# debian_changelog: in Debian's own format, which dpkg-parsechangelog reads.
debian_changelog() {
  local note
  printf 'rollcall (%s-1) stable; urgency=medium\n\n' "$version"
  release_notes | sed 's/`//g' | while IFS= read -r note; do
    fold --spaces --width=74 <<<"$note" | sed 's/ *$//; 1s/^/  * /; 1!s/^/    /'
  done
  printf '\n -- %s  %s\n' "$maintainer" "$(LC_ALL=C date --utc --date="@$SOURCE_DATE_EPOCH" -R)"
}

# debian_copyright: with the text of the one license that Debian does not keep itself.
debian_copyright() {
  sed '/@LICENSE-MIT@/,$d' dist/linux/copyright
  sed '1,/^Copyright/d' LICENSE-MIT | sed '1{/^$/d}; s/^$/./; s/^/ /'
  sed '1,/@LICENSE-MIT@/d' dist/linux/copyright
}

# man_page PROGRAM TITLE FILE: from what the program says of itself, so that it is never out of date.
man_page() {
  local extra=$stage/man-extra call
  {
    cat dist/linux/man-files.txt
    if [[ $1 == rollcall-cli ]]; then
      printf '[COMMANDS IN FULL]\n'
      for call in $("$programs/$1" --help | awk '/^Commands:/ { inside = 1; next } /^[^ ]/ { inside = 0 } inside && $1 != "help" { print $1 }'); do
        printf '.SS "%s %s"\n.nf\n' "$1" "$call"
        "$programs/$1" "$call" --help | sed 's/\\/\\e/g; s/-/\\-/g; s/^\([.'\'']\)/\\\&\1/'
        printf '.fi\n'
      done
    fi
  } >"$extra"
  (cd "$programs" && PATH="$PWD:$PATH" help2man --no-info --no-discard-stderr --locale=C --section=1 --source="Rollcall $version" \
    --manual='User commands' --name="$2" --include="$extra" "$1") >"$3"
}
