# One Dockerfile, a target an image: operator, gateway, serving-runtime, batch-runtime.
#
#   docker build --target operator --tag slipway/operator:0.1.0 .
#   npm run cluster -- load-images     # the same without a container daemon or a registry (hack/images)
#
# The final images hold the C library, one Node binary, production packages and TypeScript sources (Node strips the types); the
# operator and the gateway are one file of JavaScript, because that needs a third less memory.
# They have no shell and no package manager, run as user 65532 and write nothing outside the mounts they are given.
# A change of a source file rebuilds only the last small layers.
#
# Behind a TLS-inspecting proxy or with an own npm registry, pass them as build secrets; they never become part of a layer:
#   docker build --secret id=ca-bundle,src=/etc/ssl/certs/ca-certificates.crt --secret id=npmrc,src=$HOME/.npmrc ...

# The same version as the devDependency `node` in package.json (a unit test compares them).
ARG NODE_IMAGE=docker.io/library/node:24.21.0-bookworm-slim
# And that of the devDependency `rolldown`.
ARG ROLLDOWN_VERSION=1.2.19

# ---- the tree that the final images start from -------------------------------------------------------------------
FROM ${NODE_IMAGE} AS root-files
COPY hack/images/collect-root-files.sh /build/
RUN sh /build/collect-root-files.sh /root-files

# ---- production packages, per image ------------------------------------------------------------------------------
FROM ${NODE_IMAGE} AS manifests
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY crds/package.json crds/
COPY kube/package.json kube/
COPY telemetry/package.json telemetry/
COPY operator/package.json operator/
COPY serving-runtime/package.json serving-runtime/
COPY batch-runtime/package.json batch-runtime/
COPY gateway/package.json gateway/
COPY cli/package.json cli/
COPY hack/package.json hack/
COPY test/package.json test/
COPY hack/images/install-packages.sh /build/

FROM manifests AS operator-packages
RUN --mount=type=secret,id=ca-bundle --mount=type=secret,id=npmrc --mount=type=cache,target=/root/.npm \
    sh /build/install-packages.sh operator kube crds telemetry

FROM manifests AS gateway-packages
RUN --mount=type=secret,id=ca-bundle --mount=type=secret,id=npmrc --mount=type=cache,target=/root/.npm \
    sh /build/install-packages.sh gateway kube crds telemetry

# The bundler alone, so that a change of our sources does not install it again.
FROM ${NODE_IMAGE} AS bundler
ARG ROLLDOWN_VERSION
WORKDIR /bundler
RUN --mount=type=secret,id=ca-bundle --mount=type=secret,id=npmrc --mount=type=cache,target=/root/.npm \
    if [ -s /run/secrets/ca-bundle ]; then export NODE_EXTRA_CA_CERTS=/run/secrets/ca-bundle; fi; \
    if [ -s /run/secrets/npmrc ]; then export NPM_CONFIG_USERCONFIG=/run/secrets/npmrc; fi; \
    npm install --ignore-scripts --no-audit --no-fund --no-update-notifier rolldown@${ROLLDOWN_VERSION}

FROM manifests AS serving-runtime-packages
RUN --mount=type=secret,id=ca-bundle --mount=type=secret,id=npmrc --mount=type=cache,target=/root/.npm \
    sh /build/install-packages.sh serving-runtime crds telemetry

FROM manifests AS batch-runtime-packages
RUN --mount=type=secret,id=ca-bundle --mount=type=secret,id=npmrc --mount=type=cache,target=/root/.npm \
    sh /build/install-packages.sh batch-runtime crds

# ---- what all final images share ---------------------------------------------------------------------------------
FROM scratch AS node-runtime
COPY --from=root-files /root-files/ /
ENV PATH=/usr/local/bin NODE_ENV=production HOME=/tmp LANG=C.UTF-8
WORKDIR /app
USER 65532:65532
ARG VERSION=dev
LABEL org.opencontainers.image.vendor="Slipway" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.base.name="scratch"

# ---- final images ------------------------------------------------------------------------------------------------
FROM node-runtime AS serving-runtime
LABEL org.opencontainers.image.title="slipway/serving-runtime" \
      org.opencontainers.image.description="Serves ONNX models by the Open Inference Protocol over REST and gRPC"
COPY --from=serving-runtime-packages /app/ /app/
COPY crds/src/ crds/src/
COPY telemetry/src/ telemetry/src/
COPY serving-runtime/src/ serving-runtime/src/
EXPOSE 8080 9000 8002
# Room for the young would grow to two times 64 MiB a thread, and what a client sent is held until it is full. With 4 MiB small
# requests cost more processor time (docs/performance/serving.md, row 11).
ENTRYPOINT ["/usr/local/bin/node", "--max-semi-space-size=16", "serving-runtime/src/main.ts"]

FROM node-runtime AS batch-runtime
LABEL org.opencontainers.image.title="slipway/batch-runtime" \
      org.opencontainers.image.description="What Slipway runs in Jobs: materialise, build datasets, fetch, collect, publish and verify models"
COPY --from=batch-runtime-packages /app/ /app/
COPY crds/src/ crds/src/
COPY batch-runtime/src/ batch-runtime/src/
ENTRYPOINT ["/usr/local/bin/node", "batch-runtime/src/main.ts"]

FROM ${NODE_IMAGE} AS operator-bundle
WORKDIR /app
COPY --from=bundler /bundler/ /bundler/
COPY --from=operator-packages /app/ /app/
COPY crds/src/ crds/src/
COPY kube/src/ kube/src/
COPY telemetry/src/ telemetry/src/
COPY operator/src/ operator/src/
# The licences of what is in the file go along with it.
RUN node /bundler/node_modules/rolldown/bin/cli.mjs operator/src/main.ts --platform node --format esm --dir /bundle \
 && find node_modules -type f \( -iname 'licen[cs]e*' -o -iname 'notice*' \) -exec cp --parents {} /bundle/ \;

FROM node-runtime AS operator
LABEL org.opencontainers.image.title="slipway/operator" \
      org.opencontainers.image.description="Kubernetes operator for the whole life of a machine-learning model"
COPY operator/package.json operator/
COPY --from=operator-bundle /bundle/ operator/dist/
EXPOSE 8080 8081
# What the operator holds for long is small; room for the young only makes the process larger.
ENTRYPOINT ["/usr/local/bin/node", "--max-semi-space-size=4", "operator/dist/main.js"]

FROM ${NODE_IMAGE} AS gateway-bundle
WORKDIR /app
COPY --from=bundler /bundler/ /bundler/
COPY --from=gateway-packages /app/ /app/
COPY crds/src/ crds/src/
COPY kube/src/ kube/src/
COPY telemetry/src/ telemetry/src/
# Of the model server the gateway takes the transport, which needs none of its packages.
COPY serving-runtime/package.json serving-runtime/
COPY serving-runtime/src/ serving-runtime/src/
COPY gateway/src/ gateway/src/
RUN ln -s ../../serving-runtime node_modules/@slipway/serving-runtime
RUN node /bundler/node_modules/rolldown/bin/cli.mjs gateway/src/main.ts --platform node --format esm --dir /bundle \
 && find node_modules -type f \( -iname 'licen[cs]e*' -o -iname 'notice*' \) -exec cp --parents {} /bundle/ \;

FROM node-runtime AS gateway
LABEL org.opencontainers.image.title="slipway/gateway" \
      org.opencontainers.image.description="Stands before the model servers: splits, mirrors and retries requests over REST and gRPC"
COPY gateway/package.json gateway/
COPY --from=gateway-bundle /bundle/ gateway/dist/
EXPOSE 8080 8002
ENTRYPOINT ["/usr/local/bin/node", "gateway/dist/main.js"]
