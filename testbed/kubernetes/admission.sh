#!/bin/bash
# The admission webhook against a real API server, all of it on loopback:
#   KUBE_APISERVER=/path KUBE_CONTROLLER_MANAGER=/path testbed/kubernetes/admission.sh target/debug/allod
# Needs etcd, kubectl, curl, openssl and python3 as well. Without the controller manager, what it does is not tested.
set -euo pipefail
allod=$(realpath "${1:?the binary allod}")
: "${KUBE_APISERVER:?where kube-apiserver is}"
here=$(mktemp -d)
pids=()
finish() {
    for pid in "${pids[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    [[ -n ${KEEP:-} ]] && echo "kept: $here" || rm -rf "$here"
}
trap finish EXIT
cd "$here"

port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
# until WHAT COMMAND...: runs the command again and again, for up to two minutes.
until_ok() {
    local what=$1 end=$((SECONDS + 120))
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < end)) || { echo "not within two minutes: $what" >&2; tail -5 "$here"/*.log >&2; exit 1; }
        sleep 0.2
    done
}
passed=0
failed=0
# says TEXT COMMAND...: the command fails, and says the text.
says() {
    local text=$1 out
    shift
    if out=$("$@" 2>&1); then wrong "went through: $*" "$out"; elif [[ $out == *"$text"* ]]; then right; else wrong "$*" "$out"; fi
}
# goes COMMAND...: the command succeeds.
goes() {
    local out
    if out=$("$@" 2>&1); then right; else wrong "$*" "$out"; fi
}
# warns TEXT COMMAND...: the command succeeds, and says the text.
warns() {
    local text=$1 out
    shift
    if out=$("$@" 2>&1) && [[ $out == *"$text"* ]]; then right; else wrong "$*" "$out"; fi
}
right() { passed=$((passed + 1)); }
wrong() {
    failed=$((failed + 1))
    printf 'FAILED: %s\n  %s\n' "$1" "$2" >&2
}

etcd_port=$(port) peer_port=$(port) api_port=$(port) admit_port=$(port) probe_port=$(port)
etcd --data-dir etcd --listen-client-urls "http://127.0.0.1:$etcd_port" --advertise-client-urls "http://127.0.0.1:$etcd_port" \
    --listen-peer-urls "http://127.0.0.1:$peer_port" --initial-advertise-peer-urls "http://127.0.0.1:$peer_port" \
    --initial-cluster "default=http://127.0.0.1:$peer_port" >etcd.log 2>&1 &
pids+=($!)
openssl genrsa -out sa.key 2048 2>/dev/null
echo 'secret-of-this-test,admin,admin,"system:masters"' >tokens
"$KUBE_APISERVER" --etcd-servers "http://127.0.0.1:$etcd_port" --bind-address 127.0.0.1 --secure-port "$api_port" \
    --cert-dir api --service-account-issuer https://api.test --service-account-key-file sa.key \
    --service-account-signing-key-file sa.key --token-auth-file tokens --authorization-mode RBAC \
    --service-cluster-ip-range 10.0.0.0/24 --disable-admission-plugins ServiceAccount >api.log 2>&1 &
pids+=($!)
api=https://127.0.0.1:$api_port
cat >kubeconfig <<END
apiVersion: v1
kind: Config
clusters: [{name: a, cluster: {server: "$api", insecure-skip-tls-verify: true}}]
users: [{name: a, user: {token: secret-of-this-test}}]
contexts: [{name: a, context: {cluster: a, user: a}}]
current-context: a
END
export KUBECONFIG=$here/kubeconfig
until_ok "the API server" kubectl get --raw /readyz
until_ok "the default namespace" kubectl get namespace default kube-system
echo "API server $(kubectl get --raw /version | python3 -c 'import json,sys; print(json.load(sys.stdin)["gitVersion"])')"
if [[ -n ${KUBE_CONTROLLER_MANAGER:-} ]]; then
    "$KUBE_CONTROLLER_MANAGER" --kubeconfig kubeconfig --authentication-kubeconfig kubeconfig --authorization-kubeconfig kubeconfig \
        --bind-address 127.0.0.1 --secure-port "$(port)" --leader-elect=false \
        --controllers garbage-collector-controller,namespace-controller,deployment-controller,replicaset-controller >manager.log 2>&1 &
    pids+=($!)
fi

# What is there before the webhook.
pod() { printf '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"%s","namespace":"%s"%s},"spec":{"containers":[{"name":"a","image":"nginx"}]}}' "$1" "${2:-default}" "${3:-}"; }
deployment='{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"old"},"spec":{"replicas":3,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"a","image":"nginx"}]}}}}'
apply() { kubectl create -f - <<<"$1"; }
apply "$deployment" >/dev/null
apply "$(pod before)" >/dev/null
apply "$(pod held default ',"finalizers":["example.org/held"]')" >/dev/null
kubectl create namespace doomed >/dev/null
apply "$(pod inside doomed ',"finalizers":["example.org/held"]')" >/dev/null
kubectl -n doomed create configmap things >/dev/null
kubectl create configmap owner >/dev/null
owner=$(kubectl get configmap owner -o jsonpath='{.metadata.uid}')
owned() { printf '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"%s","ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"owner","uid":"%s"}]}}' "$1" "$owner"; }
apply "$(owned orphan)" >/dev/null
if [[ -n ${KUBE_CONTROLLER_MANAGER:-} ]]; then
    until_ok "the pods of the deployment" sh -c '[ "$(kubectl get pods -l a=b -o name | wc -l)" = 3 ]'
fi

openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=ca 2>/dev/null
openssl req -newkey rsa:2048 -nodes -keyout tls.key -out tls.csr -subj /CN=allod-admit 2>/dev/null
openssl x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out tls.crt -days 2 -extfile <(echo 'subjectAltName=IP:127.0.0.1') 2>/dev/null
serve() {
    "$allod" admit --listen "127.0.0.1:$admit_port" --probes "127.0.0.1:$probe_port" --tls-cert tls.crt --tls-key tls.key "$@" 2>>admit.log &
    webhook=$!
    pids+=("$webhook")
    until_ok "the webhook" curl -fs "http://127.0.0.1:$probe_port/readyz"
}
# The webhook of the manifests, at its address on loopback.
"$allod" admit manifests --image allod --ca-bundle ca.crt --deny-connect >install.yaml
python3 - "$admit_port" <<'END' >webhook.yaml
import re, sys
document = open("install.yaml").read().split("\n---\n")[-1]
print(re.sub(r"service:\n(?:        .*\n)+", f"url: https://127.0.0.1:{sys.argv[1]}/admit\n", document))
END
serve --deny-connect
kubectl create -f webhook.yaml >/dev/null
# All manifests are taken as they are, but for the kinds of cert-manager.
goes kubectl create --dry-run=server -f <(python3 -c 'print("\n---\n".join(d for d in open("install.yaml").read().split("\n---\n") if "kind: Namespace\n" in d))')
kubectl create namespace allod >/dev/null
goes kubectl create --dry-run=server -f <(python3 -c 'print("\n---\n".join(d for d in open("install.yaml").read().split("\n---\n") if "kind: Namespace\n" not in d and "kind: Validating" not in d))')
# A webhook is not in force at once.
until_ok "the webhook in force" sh -c '! kubectl create configmap probe --dry-run=server'

no='admission webhook "admit.allod.internal" denied the request: could not be judged: no rules loaded'
says "$no" apply "$(pod new)"
says "$no" kubectl create --dry-run=server -f <(pod new)
says "$no" kubectl create deployment new --image=nginx
says "$no" kubectl create configmap new
says "$no" kubectl create service clusterip new --tcp=80
says "$no" kubectl set image deployment/old a=nginx:2
says "$no" kubectl label pod before x=y
says "$no" kubectl scale deployment old --replicas=5
goes kubectl scale deployment old --replicas=2
goes kubectl patch deployment old --type=merge -p '{"spec":{"replicas":1}}'
says "$no" kubectl patch deployment old --type=merge -p '{"spec":{"replicas":0,"paused":true}}'
goes apply "$(pod new kube-system)"
ephemeral() {
    curl -ksS --fail-with-body -X PATCH -H 'Authorization: Bearer secret-of-this-test' -H 'Content-Type: application/strategic-merge-patch+json' \
        "$api/api/v1/namespaces/default/pods/before/ephemeralcontainers" \
        -d '{"spec":{"ephemeralContainers":[{"name":"d","image":"busybox"}]}}'
}
says "no rules loaded" ephemeral
says "CONNECT to \`pods/exec\` is closed" kubectl exec before -- true
# Deletions, finalizers and owners.
goes kubectl delete pod held --wait=false
says "$no" kubectl label pod held x=y
goes kubectl patch pod held --type=merge -p '{"metadata":{"finalizers":null}}'
evict() { curl -ksS --fail-with-body -X POST -H 'Authorization: Bearer secret-of-this-test' -H 'Content-Type: application/json' "$api/api/v1/namespaces/default/pods/before/eviction" -d '{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"before","namespace":"default"}}'; }
goes evict
if [[ -n ${KUBE_CONTROLLER_MANAGER:-} ]]; then
    goes until_ok "the deployment shrunk" sh -c '[ "$(kubectl get pods -l a=b --field-selector=status.phase!=Failed -o json | grep -c deletionTimestamp)" -ge 2 ] || [ "$(kubectl get pods -l a=b -o name | wc -l)" = 1 ]'
    goes kubectl delete configmap owner --cascade=orphan
    goes until_ok "the orphan without its owner" sh -c '[ -z "$(kubectl get configmap orphan -o jsonpath="{.metadata.ownerReferences}")" ]'
    goes kubectl delete namespace doomed --wait=false
    goes kubectl -n doomed patch pod inside --type=merge -p '{"metadata":{"finalizers":null}}'
    goes until_ok "the namespace gone" sh -c '! kubectl get namespace doomed'
fi
# Nobody answers: nothing comes in, and everything can go.
kill "$webhook"
wait "$webhook"
says 'failed calling webhook "admit.allod.internal"' apply "$(pod new)"
goes kubectl delete deployment old --wait=false
# Audit mode.
serve --mode audit
warns "audit mode: would be denied: could not be judged: no rules loaded" apply "$(pod new)"
curl -fsS "http://127.0.0.1:$probe_port/metrics" | grep -E '^allod_admit_(requests|rejected)'
grep -q '"event":"would-error"' admit.log || wrong "the log" "no would-error"

echo "$passed passed, $failed failed"
((failed == 0))
