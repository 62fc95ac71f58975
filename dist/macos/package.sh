#!/usr/bin/env bash
# Makes Rollcall.app for Apple and Intel processors in one, and of it a disk image and a zip.
#
# dist/macos/package.sh                            on a Mac with Xcode's command line tools and both Rust targets
# dist/macos/package.sh --layout DIR PROGRAM CLI   anywhere: only lays out DIR/Rollcall.app, unsigned, of these two binaries
#
# ROLLCALL_SIGN_IDENTITY   "Developer ID Application: …"; without it the signature is ad hoc: it starts on this Mac, others
#                          want "Open Anyway" in System Settings, and every build asks for the local network again
# ROLLCALL_NOTARY_PROFILE  credentials kept by `xcrun notarytool store-credentials`, or
# ROLLCALL_NOTARY_KEY      the file of an App Store Connect key, with ROLLCALL_NOTARY_KEY_ID and ROLLCALL_NOTARY_ISSUER;
#                          without either nothing is notarized
#
# entitlements.plist is empty, with reason (Apple's parser wants no comments in it):
# - No App Sandbox, and so neither com.apple.security.network.client nor .server: outside the sandbox sockets are open,
#   and the system asks for the local network by itself. In the sandbox the doctor could not name the process that holds
#   a port, and a site on a share could not be reopened by its path.
# - No com.apple.developer.networking.multicast: that one is for iOS, macOS sends broadcasts without it.
# - No exceptions from the hardened runtime: all code is in the signed programs.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=dist/common.sh
source dist/common.sh

export MACOSX_DEPLOYMENT_TARGET=11.0
apple=aarch64-apple-darwin
intel=x86_64-apple-darwin
identity=${ROLLCALL_SIGN_IDENTITY:--}
name=rollcall-$version-macos-universal

# lay_out DIR PROGRAM CLI: the bundle as it is signed and shipped, in DIR.
lay_out() {
  local app=$1/Rollcall.app
  local contents=$app/Contents
  rm -rf "$app"
  mkdir -p "$contents/MacOS" "$contents/Resources"
  sed "s/@VERSION@/$version/g" dist/macos/Info.plist >"$contents/Info.plist"
  printf 'APPL????' >"$contents/PkgInfo"
  cp "$2" "$contents/MacOS/rollcall"
  cp "$3" "$contents/MacOS/rollcall-cli"
  cp assets/icon.icns LICENSE-APACHE LICENSE-MIT assets/licenses/third-party.txt "$contents/Resources/"
  changes >"$contents/Resources/CHANGES.md"
  find "$app" -type d -exec chmod 755 {} +
  find "$app" -type f -exec chmod 644 {} +
  chmod 755 "$contents/MacOS/rollcall" "$contents/MacOS/rollcall-cli"
  # The same time in every file, so that archives can be repeated; no such option is common to all of touch's kinds.
  find "$app" -exec perl -e 'utime $ENV{SOURCE_DATE_EPOCH}, $ENV{SOURCE_DATE_EPOCH}, @ARGV' {} +
}

build() { # build TARGET
  cargo build --locked --profile dist --target "$1" --bin rollcall --bin rollcall-cli
}

# sign FILE_OR_BUNDLE [ARGUMENT...]
sign() {
  local stamp=--timestamp
  # The ad hoc signature has no one to vouch for its time.
  [[ $identity != - ]] || stamp=--timestamp=none
  codesign --force --sign "$identity" --options runtime "$stamp" "${@:2}" "$1"
}

# From the inside out: the bundle's signature covers what is in it.
sign_app() { # sign_app APP
  sign "$1/Contents/MacOS/rollcall-cli" --identifier app.rollcall.Rollcall.cli --entitlements dist/macos/entitlements.plist
  sign "$1" --entitlements dist/macos/entitlements.plist
  codesign --verify --strict --deep --verbose=2 "$1"
}

can_notarize() {
  [[ $identity != - && -n ${ROLLCALL_NOTARY_PROFILE:-}${ROLLCALL_NOTARY_KEY:-} ]]
}

# notarize ARCHIVE: waits for Apple's answer; an error when it is not "Accepted".
notarize() {
  if [[ -n ${ROLLCALL_NOTARY_PROFILE:-} ]]; then
    xcrun notarytool submit "$1" --wait --keychain-profile "$ROLLCALL_NOTARY_PROFILE"
  else
    xcrun notarytool submit "$1" --wait --key "$ROLLCALL_NOTARY_KEY" \
      --key-id "${ROLLCALL_NOTARY_KEY_ID:?}" --issuer "${ROLLCALL_NOTARY_ISSUER:?}"
  fi
}

zip_app() { # zip_app APP ZIP
  rm -f "$2"
  ditto -c -k --norsrc --keepParent "$1" "$2"
}

if [[ ${1:-} == --layout ]]; then
  [[ $# -eq 4 ]] || die "usage: dist/macos/package.sh --layout DIR PROGRAM CLI"
  mkdir -p "$2"
  lay_out "$2" "$3" "$4"
  exit 0
fi
[[ $# -eq 0 ]] || die "usage: dist/macos/package.sh [--layout DIR PROGRAM CLI]"
[[ $(uname -s) == Darwin ]] || die "linking and signing want a Mac; --layout works anywhere"
xcode-select -p >/dev/null || die "the command line tools are missing; run: xcode-select --install"

build "$apple"
build "$intel"
work=$stage/macos
rm -rf "$work"
mkdir -p "$work/image"
for program in rollcall rollcall-cli; do
  lipo -create -output "$work/$program" "$target/$apple/dist/$program" "$target/$intel/dist/$program"
  lipo "$work/$program" -verify_arch arm64 x86_64
done

lay_out "$work/image" "$work/rollcall" "$work/rollcall-cli"
app=$work/image/Rollcall.app
plutil -lint "$app/Contents/Info.plist" dist/macos/entitlements.plist
sign_app "$app"
if can_notarize; then
  zip_app "$app" "$work/submit.zip"
  notarize "$work/submit.zip"
  xcrun stapler staple "$app"
fi
zip_app "$app" "$out/$name.zip"

ln -s /Applications "$work/image/Applications"
hdiutil create -quiet -ov -volname "Rollcall $version" -srcfolder "$work/image" -fs HFS+ -format UDZO "$out/$name.dmg"
if [[ $identity != - ]]; then
  codesign --force --sign "$identity" --timestamp "$out/$name.dmg"
fi
if can_notarize; then
  notarize "$out/$name.dmg"
  xcrun stapler staple "$out/$name.dmg"
  spctl --assess --type execute --verbose=2 "$app"
else
  say "not notarized: no credentials, or no identity"
fi
say "$out/$name.dmg and .zip, signed by: $identity"
