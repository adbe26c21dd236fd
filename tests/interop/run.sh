#!/usr/bin/env bash
# Runs clients that Microsoft published, unmodified, against the emulator. README.md says which, and what each goes through.
#
#   run.sh [EMULATOR [CLIENT...]]
#
# EMULATOR is the path of a binary; without one, or with `-`, cargo builds it. CLIENT: n17 n21 cli p21 pd m17 m24 a17, by default all.
# Packages come from npm's and Python's registries by lock files, into a cache that is kept as long as these files are the same.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${INTEROP_CACHE:-${CARGO_TARGET_DIR:-$root/target}/interop}
# One after the other: they share a hub, which has one import or export of devices at a time.
parallel=${INTEROP_PARALLEL:-1}
subscription=00000000-0000-0000-0000-000000000000

emulator=${1:--}
[ $# -eq 0 ] || shift
clients=("$@")
[ $# -gt 0 ] || clients=(n17 n21 cli p21 pd m17 m24 a17)

die() { echo "interop: $*" >&2 && exit 2; }

# --- what has to be on the machine ---

# The lock files hold for these versions: earlier ones lack some of the packages, later ones have no wheel of uamqp.
python=
for candidate in "${PYTHON:-}" python3.11 python3.13 python3.12 python3; do
    if [ -n "$candidate" ] && command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))'; then
        python=$candidate && break
    fi
done

missing=()
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
[ -n "$python" ] || missing+=(python3)
"${python:-false}" -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
if [ ${#missing[@]} -gt 0 ]; then
    [ "$(id -u)" -eq 0 ] || die "needs ${missing[*]}: install them, or run this as root"
    command -v apt-get >/dev/null || die "needs ${missing[*]}, and there is no apt-get to install them with"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    python=${python:-python3}
fi
[ "$(node -p 'Number(process.versions.node.split(".")[0]) >= 18')" = true ] || die "needs Node 18 or later, not $(node --version)"
"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || die "needs Python 3.11 to 3.13, not $("$python" --version)"

# --- the clients, from their lock files ---

install() {
    local client=$1 folder=$cache/$1 locks wanted
    if [ -f "$here/$client/package.json" ]; then
        locks=("$here/$client/package.json" "$here/$client/package-lock.json")
        wanted="$(node --version) $(cat "${locks[@]}" | sha256sum)"
    else
        locks=("$here/$client/requirements.txt")
        [ ! -f "$here/$client/build.txt" ] || locks+=("$here/$client/build.txt")
        wanted="$("$python" -c 'import sys; print(sys.executable, sys.version)') $(cat "${locks[@]}" | sha256sum)"
    fi
    [ "$(cat "$folder/installed" 2>/dev/null || true)" = "$wanted" ] && return
    echo "installing $client"
    rm -rf "$folder" && mkdir -p "$folder"
    if [ -f "$here/$client/package.json" ]; then
        cp "${locks[@]}" "$folder"
        npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error
    else
        "$python" -m venv "$folder/venv"
        local pip=("$folder/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --no-deps)
        if [ ${#locks[@]} -gt 1 ]; then
            "${pip[@]}" --only-binary :all: -r "${locks[1]}"
            "${pip[@]}" --no-build-isolation -r "${locks[0]}"
        else
            "${pip[@]}" --only-binary :all: -r "${locks[0]}"
        fi
    fi
    printf '%s\n' "$wanted" >"$folder/installed"
}

for client in "${clients[@]}"; do
    [ -d "$here/$client" ] || die "no client $client"
    install "$client"
done

# --- the emulator ---

if [ "$emulator" = - ]; then
    cargo build --release --manifest-path "$root/Cargo.toml" -p iothub-emulator
    emulator=${CARGO_TARGET_DIR:-$root/target}/release/iothub-emulator
fi
[ -x "$emulator" ] || die "no emulator at $emulator"

work=$(mktemp -d)
pid=
finish() {
    [ -z "$pid" ] || { kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; }
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

# Made up for this run.
key=$(head -c 32 /dev/urandom | base64 -w 0)
arm_token=$(head -c 24 /dev/urandom | base64 -w 0 | tr '+/' '-_')
"$emulator" --listen 127.0.0.1:0 --port-file "$work/port" --tls-self-signed --cert-out "$work/cert.pem" --host-name localhost \
    --key-name iothubowner --key "$key" --subscription "$subscription" --arm-token="$arm_token" --lro-delay 0 --page-size 3 \
    >"$work/emulator.log" 2>&1 &
pid=$!
for _ in $(seq 200); do
    [ -s "$work/port" ] && break
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.05
done
[ -s "$work/port" ] || { cat "$work/emulator.log"; die "the emulator did not start"; }

export IOTHUB_HOST="localhost:$(cat "$work/port")"
export IOTHUB_CONNECTION_STRING="HostName=localhost;SharedAccessKeyName=iothubowner;SharedAccessKey=$key"
export IOTHUB_CA_FILE="$work/cert.pem" IOTHUB_SUBSCRIPTION="$subscription" IOTHUB_ARM_TOKEN="$arm_token"
export ADMIN_URL="https://$IOTHUB_HOST"
# The clients trust this certificate beside or instead of the system's, each by the variable that its language has for that.
export NODE_EXTRA_CA_CERTS=$IOTHUB_CA_FILE REQUESTS_CA_BUNDLE=$IOTHUB_CA_FILE SSL_CERT_FILE=$IOTHUB_CA_FILE
# Nothing here is behind a proxy.
unset HTTP_PROXY HTTPS_PROXY ALL_PROXY http_proxy https_proxy all_proxy
export PYTHONDONTWRITEBYTECODE=1 NODE_NO_WARNINGS=1

# --- the scripts ---

script() {
    local client=$1
    if [ -f "$here/$client.js" ]; then
        NODE_PATH=$cache/$client/node_modules timeout 300 node --require "$here/lib/port.js" "$here/$client.js"
    else
        timeout 300 "$cache/$client/venv/bin/python" "$here/$client.py"
    fi
}

one() {
    local client=$1 status=0
    script "$client" >"$work/$client.log" 2>&1 || status=$?
    echo "$status" >"$work/$client.status"
    [ "$status" -ne 0 ] || tail -n 1 "$work/$client.log"
}

for client in "${clients[@]}"; do
    while [ "$(jobs -rp | grep -vcx "$pid")" -ge "$parallel" ]; do wait -n || true; done
    one "$client" &
done
for job in $(jobs -rp | grep -vx "$pid"); do wait "$job" || true; done

failed=0
for client in "${clients[@]}"; do
    if [ "$(cat "$work/$client.status")" != 0 ]; then
        failed=$((failed + 1))
        printf '\n== %s failed\n' "$client"
        cat "$work/$client.log"
    fi
done
if ! kill -0 "$pid" 2>/dev/null; then
    failed=$((failed + 1))
    printf '\n== the emulator ended before the clients did\n'
fi
if [ "$failed" -gt 0 ]; then
    printf '\n== the emulator said\n'
    tail -n 100 "$work/emulator.log"
fi
echo "interop: $((${#clients[@]} - failed)) passed, $failed failed"
[ "$failed" -eq 0 ]
