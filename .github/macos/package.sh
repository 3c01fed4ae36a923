#!/usr/bin/env bash
# Packs target/bundled for macOS into target/dist, as a .pkg and a .dmg: on a Mac, after `cargo xtask bundle`.
#
# Signs and notarizes with what the environment has (release.yml names it): CERTIFICATES is a .p12 in base64.
# Without it the packages are unsigned, and unsigned-macos.txt says so. Never run yet.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
bundled=$root/target/bundled
out=$root/target/dist
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -1)
name=mertscope-$version-macos-arm64
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$out"

sign() { # path, entitlements (or nothing)
    local options=(--force --timestamp --options runtime --sign "$APPLICATION_IDENTITY")
    if [ -n "${2-}" ]; then options+=(--entitlements "$2"); fi
    codesign "${options[@]}" "$1"
}

if [ -n "${CERTIFICATES-}" ]; then
    keychain=$scratch/signing.keychain-db
    password=$(uuidgen)
    security create-keychain -p "$password" "$keychain"
    security unlock-keychain -p "$password" "$keychain"
    base64 --decode <<< "$CERTIFICATES" > "$scratch/certificates.p12"
    security import "$scratch/certificates.p12" -k "$keychain" -P "$CERTIFICATES_PASSWORD" -T /usr/bin/codesign \
        -T /usr/bin/productbuild
    security set-key-partition-list -S apple-tool:,apple: -k "$password" "$keychain" > /dev/null
    security list-keychains -d user -s "$keychain" login.keychain-db
    # Inner code first.
    find "$bundled" -name '*.dylib' -print0 | while IFS= read -r -d '' library; do sign "$library"; done
    sign "$bundled/Mertscope/mertscope" "$here/entitlements.plist"
    sign "$bundled/Mertscope.vst3"
    sign "$bundled/Mertscope.clap"
    sign "$bundled/Mertscope.app" "$here/entitlements.plist"
    build=(productbuild --sign "$INSTALLER_IDENTITY" --keychain "$keychain")
else
    echo 'The packages for macOS are not signed: remove the mark of quarantine by hand, as docs/packages.md says.' \
        | tee "$out/unsigned-macos.txt"
    # Apple silicon starts no program without any signature; this one names nobody.
    find "$bundled" -name '*.dylib' -exec codesign --force --sign - {} \;
    for code in Mertscope/mertscope Mertscope.vst3 Mertscope.clap Mertscope.app; do
        codesign --force --sign - "$bundled/$code"
    done
    build=(productbuild)
fi

# One component per place, so that a user may leave one out.
component() { # identifier, place, bundles…
    local identifier=$1 place=$2
    shift 2
    mkdir -p "$scratch/$identifier$place"
    for bundle in "$@"; do cp -R "$bundled/$bundle" "$scratch/$identifier$place/"; done
    pkgbuild --root "$scratch/$identifier" --identifier "dev.mertscope.$identifier" --version "$version" \
        --install-location / "$scratch/$identifier.pkg"
}
component vst3 /Library/Audio/Plug-Ins/VST3 Mertscope.vst3
component clap /Library/Audio/Plug-Ins/CLAP Mertscope.clap
component app /Applications Mertscope.app
component command /usr/local/lib/mertscope Mertscope
mkdir -p "$scratch/link/usr/local/bin"
ln -s ../lib/mertscope/Mertscope/mertscope "$scratch/link/usr/local/bin/mertscope"
pkgbuild --root "$scratch/link" --identifier dev.mertscope.link --version "$version" --install-location / \
    "$scratch/link.pkg"
packages=()
for identifier in vst3 clap app command link; do packages+=(--package "$scratch/$identifier.pkg"); done
"${build[@]}" "${packages[@]}" "$out/$name.pkg"

mkdir "$scratch/image"
cp -R "$bundled/." "$scratch/image/"
hdiutil create -volname "Mertscope $version" -srcfolder "$scratch/image" -format UDZO -ov "$out/$name.dmg"

if [ -n "${NOTARY_USER-}" ] && [ -n "${CERTIFICATES-}" ]; then
    for package in "$out/$name.pkg" "$out/$name.dmg"; do
        xcrun notarytool submit "$package" --wait --apple-id "$NOTARY_USER" --password "$NOTARY_PASSWORD" \
            --team-id "$NOTARY_TEAM"
        xcrun stapler staple "$package"
    done
fi
