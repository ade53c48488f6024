#!/bin/sh
# Writes deploy/.env with random secrets for compose.yaml, once; what is there already stays.
set -eu
file="$(dirname "$0")/.env"
[ ! -e "$file" ] || { echo "$file is there already"; exit 0; }
secret() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
umask 077
cat > "$file" <<END
POSTGRES_PASSWORD=$(secret)
SERVICE_TOKEN=$(secret)
JWT_SECRET=$(secret)
GRAFANA_PASSWORD=$(secret)
SECRETS_KEY=$(head -c 32 /dev/urandom | base64)
# Of your Expo project; without it Expo is called without authentication.
EXPO_ACCESS_TOKEN=
END
echo "wrote $file"
