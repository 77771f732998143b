#!/bin/sh
# Runs inside the build stage (Dockerfile). Collects into the folder $1 what a Node program needs of a Debian system and nothing else:
# the C and C++ libraries, one stripped Node binary, the user 65532, /tmp. The package records stay, so that scanners see what is in there.
set -eu
target=$1
packages="base-files libc6 libgcc-s1 libstdc++6"

apt-get -qq update
apt-get -qq install --yes --no-install-recommends binutils >/dev/null

mkdir -p "$target/usr/lib" "$target/usr/lib64" "$target/usr/bin" "$target/usr/sbin" "$target/usr/local/bin" \
  "$target/etc" "$target/tmp" "$target/app" "$target/var/lib/dpkg/status.d" "$target/home"
for folder in lib lib64 bin sbin; do ln -s "usr/$folder" "$target/$folder"; done

for package in $packages; do
  dpkg --status "$package" >"$target/var/lib/dpkg/status.d/$package"
  dpkg --listfiles "$package"
done |
  grep -E '^(/usr)?/lib(64)?/|/copyright$|^/etc/(debian_version|os-release)$' |
  grep -vE '/(gconv|audit|systemd)(/|$)|pcprofile|memusage|\.py$' |
  while read -r file; do
    if [ -f "$file" ] || [ -L "$file" ]; then echo "$file"; fi
  done |
  tar --create --no-recursion --files-from=- | tar --extract --keep-directory-symlink --directory="$target"

strip --output-file="$target/usr/local/bin/node" /usr/local/bin/node
chmod 0755 "$target/usr/local/bin/node"
chmod 1777 "$target/tmp"
printf 'root:x:0:0:root:/:/nologin\nnonroot:x:65532:65532:nonroot:/tmp:/nologin\n' >"$target/etc/passwd"
printf 'root:x:0:\nnonroot:x:65532:\n' >"$target/etc/group"
printf 'hosts: files dns\n' >"$target/etc/nsswitch.conf"
rm -rf "$target/home"
