#!/usr/bin/env bash
# Makes what cluster-config/tls.conf asks for: an authority that signs nothing but this cluster's nodes, and a certificate with its key for each node named.
#
#   tools/make-certificates.sh DIRECTORY NODE...
#
# Give each node its own NODE.crt and NODE.key (as /etc/tulu2/node.crt and node.key) and authority.crt. Keep authority.key away from the nodes: who has it can join.
set -euo pipefail
if [ $# -lt 2 ]; then
    echo "usage: $0 DIRECTORY NODE..." >&2
    exit 2
fi
directory=$1
shift
umask 077
mkdir -p "$directory"
cd "$directory"
days=825
if [ ! -e authority.key ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days "$days" -subj "/CN=tulu2 authority" \
        -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign" -keyout authority.key -out authority.crt 2> /dev/null
fi
for node in "$@"; do
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$node" -keyout "$node.key" -out "$node.csr" 2> /dev/null
    # Both ends of a connection show it, so it is good for both.
    openssl x509 -req -in "$node.csr" -CA authority.crt -CAkey authority.key -CAcreateserial -days "$days" -out "$node.crt" \
        -extfile <(printf 'extendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=DNS:%s' "$node") 2> /dev/null
    rm "$node.csr"
    echo "$directory/$node.crt $directory/$node.key"
done
echo "$directory/authority.crt"
