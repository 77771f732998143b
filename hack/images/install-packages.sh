#!/bin/sh
# Runs inside a build stage (Dockerfile), in /app with the manifests of all workspaces. Installs the production packages of the workspaces
# named as arguments and removes what never runs: files of other platforms, type declarations, source maps, documentation, other workspaces.
set -eu

case "$(dpkg --print-architecture)" in
  amd64) architecture=x64 ;;
  arm64) architecture=arm64 ;;
  *) echo "install-packages.sh: there is no onnxruntime for $(dpkg --print-architecture); build for amd64 or arm64" >&2; exit 1 ;;
esac

if [ -s /run/secrets/ca-bundle ]; then export NODE_EXTRA_CA_CERTS=/run/secrets/ca-bundle; fi
if [ -s /run/secrets/npmrc ]; then export NPM_CONFIG_USERCONFIG=/run/secrets/npmrc; fi

workspaces=""
for workspace in "$@"; do workspaces="$workspaces --workspace=$workspace"; done
# Scripts are off: onnxruntime's would download CUDA libraries, and no other production package has one that matters.
# `npm install` keeps to the lockfile. `npm ci` would as well, but refuses a lockfile in which optional packages of other platforms are missing,
# and a registry that does not have those leaves them out when the lockfile is written.
# shellcheck disable=SC2086
npm install --omit=dev --ignore-scripts --no-audit --no-fund --no-update-notifier $workspaces

for folder in crds kube telemetry operator gateway serving-runtime batch-runtime cli hack test; do
  case " $* " in *" $folder "*) ;; *) rm -rf "$folder" ;; esac
done
rm -f package.json package-lock.json .npmrc node_modules/.package-lock.json
find node_modules/@slipway -xtype l -delete

for binaries in node_modules/onnxruntime-node/bin/napi-v*; do
  [ -d "$binaries" ] || continue
  find "$binaries" -mindepth 1 -maxdepth 1 ! -name linux -exec rm -rf {} +
  find "$binaries/linux" -mindepth 1 -maxdepth 1 ! -name "$architecture" -exec rm -rf {} +
done
find node_modules -type f \( -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' -o -name '*.map' -o -name '*.md' -o -name '*.markdown' \) \
  ! -iname 'licen[cs]e*' ! -iname 'notice*' -delete
find node_modules -type d -empty -delete
