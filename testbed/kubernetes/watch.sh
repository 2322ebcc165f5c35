#!/bin/bash
# `allod watch --cluster` against a real API server, all of it on loopback:
#   KUBE_APISERVER=/path KUBE_CONTROLLER_MANAGER=/path testbed/kubernetes/watch.sh target/debug/allod
# Needs etcd, kubectl, openssl and python3 as well.
set -euo pipefail
allod=$(realpath "${1:?the binary allod}")
: "${KUBE_APISERVER:?where kube-apiserver is}" "${KUBE_CONTROLLER_MANAGER:?where kube-controller-manager is}"
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
# until_ok WHAT COMMAND...: runs the command again and again, for up to two minutes.
until_ok() {
    local what=$1 end=$((SECONDS + ${PATIENCE:-120}))
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < end)) || { echo "not within two minutes: $what" >&2; tail -n 3 "$here"/*.log >&2; kubectl get deployments,replicasets,pods -n prod -o wide >&2; exit 1; }
        sleep 0.2
    done
}
passed=0
failed=0
right() { passed=$((passed + 1)); }
wrong() {
    failed=$((failed + 1))
    printf 'FAILED: %s\n  %s\n' "$1" "$2" >&2
}
# ends CODE TEXT COMMAND...: the command ends with the code, and says the text.
ends() {
    local code=$1 text=$2 out got=0
    shift 2
    out=$("$@" 2>&1) || got=$?
    if [[ $got == "$code" && $out == *"$text"* ]]; then right; else wrong "$* (ended with $got)" "$out"; fi
}
# event TEXT...: a line of the events has all the texts; it is waited for.
event() {
    local all=("$@")
    has() {
        local lines
        lines=$(cat events)
        for text in "${all[@]}"; do lines=$(grep -F -- "$text" <<<"$lines") || return 1; done
    }
    until_ok "an event with: $*" has
    right
}

etcd_port=$(port) peer_port=$(port) api_port=$(port)
etcd --data-dir etcd --listen-client-urls "http://127.0.0.1:$etcd_port" --advertise-client-urls "http://127.0.0.1:$etcd_port" \
    --listen-peer-urls "http://127.0.0.1:$peer_port" --initial-advertise-peer-urls "http://127.0.0.1:$peer_port" \
    --initial-cluster "default=http://127.0.0.1:$peer_port" >etcd.log 2>&1 &
pids+=($!)
openssl genrsa -out sa.key 2048 2>/dev/null
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=ca 2>/dev/null
openssl req -newkey rsa:2048 -nodes -keyout tls.key -out tls.csr -subj /CN=api 2>/dev/null
openssl x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out tls.crt -days 2 -extfile <(echo 'subjectAltName=IP:127.0.0.1') 2>/dev/null
echo 'secret-of-this-test,admin,admin,"system:masters"' >tokens
serve() {
    "$KUBE_APISERVER" --etcd-servers "http://127.0.0.1:$etcd_port" --bind-address 127.0.0.1 --secure-port "$api_port" \
        --tls-cert-file tls.crt --tls-private-key-file tls.key --service-account-issuer https://api.test \
        --service-account-key-file sa.key --service-account-signing-key-file sa.key --token-auth-file tokens \
        --authorization-mode RBAC --service-cluster-ip-range 10.0.0.0/24 --disable-admission-plugins ServiceAccount >>api.log 2>&1 &
    api=$!
    pids+=("$api")
}
serve
kubeconfig() {
    cat <<END
apiVersion: v1
kind: Config
clusters: [{name: a, cluster: {server: "https://127.0.0.1:$api_port", certificate-authority: ca.crt}}]
users: [{name: a, user: {$1}}]
contexts: [{name: testbed, context: {cluster: a, user: a}}]
current-context: testbed
END
}
kubeconfig "token: secret-of-this-test" >kubeconfig
export KUBECONFIG=$here/kubeconfig
until_ok "the API server" kubectl get --raw /readyz
until_ok "the default namespace" kubectl get namespace default kube-system
echo "API server $(kubectl get --raw /version | python3 -c 'import json,sys; print(json.load(sys.stdin)["gitVersion"])')"
"$KUBE_CONTROLLER_MANAGER" --kubeconfig kubeconfig --authentication-kubeconfig kubeconfig --authorization-kubeconfig kubeconfig \
    --bind-address 127.0.0.1 --secure-port "$(port)" --leader-elect=false \
    --controllers garbage-collector-controller,namespace-controller,deployment-controller,replicaset-controller >manager.log 2>&1 &
pids+=($!)

# What was allowed, with its rules; and it is applied.
mkdir -p repo/deploy repo/rules
cat >repo/allod.yaml <<END
version: 1
home: [EU]
END
cat >repo/rules/home.yaml <<END
version: 1
rules:
  no-model-abroad: { layer: ai-model, must: { be_controlled_from: home } }
END
cat >repo/deploy/web.yaml <<END
apiVersion: v1
kind: Namespace
metadata: { name: prod }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: settings, namespace: prod }
data: { API_URL: https://api.mistral.ai/v1 }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: prod }
spec:
  replicas: 2
  strategy: { type: Recreate } # Nothing gets ready here: a rolling update would stay half way.
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
        - name: web
          image: registry.example.lu/web:1
          envFrom: [{ configMapRef: { name: settings } }]
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: prod }
spec: { selector: { app: web }, ports: [{ port: 80 }] }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: web, namespace: prod }
spec:
  rules:
    - host: www.clinic.example.lu
      http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: web, port: { number: 80 } } } }] }
END
kubectl apply -f repo/deploy >/dev/null
until_ok "the pods" sh -c '[ "$(kubectl -n prod get pods -l app=web -o name | wc -l)" = 2 ]'

# The least role, and an account that has it.
kubectl create namespace allod >/dev/null
"$allod" watch --rbac | kubectl apply -f - >/dev/null
kubectl -n allod create token allod-watch >token
kubeconfig "tokenFile: token" >watcher
watch=("$allod" watch --cluster testbed --kubeconfig watcher --allowed repo)
ends 0 "no" sh -c 'kubectl --kubeconfig watcher auth can-i list secrets -A || true'
ends 0 "no" sh -c 'kubectl --kubeconfig watcher auth can-i delete pods -A || true'

ends 0 "0 denied · 0 warnings · 0 excepted · 0 drifted · 0 not running" "${watch[@]}" --once
# Without the role nothing is seen, and nobody can say.
kubeconfig "token: none" >stranger
ends 2 "NOBODY CAN SAY" "$allod" watch --cluster --kubeconfig stranger --allowed repo --once
ends 2 "401" "$allod" watch --cluster --kubeconfig stranger --allowed repo --once
kubectl -n allod create serviceaccount nobody >/dev/null
kubectl -n allod create token nobody >nobody
kubeconfig "tokenFile: nobody" >powerless
ends 2 "403" "$allod" watch --cluster --kubeconfig powerless --allowed repo --once
kubeconfig "exec: {command: touch, args: [$here/was-run], apiVersion: client.authentication.k8s.io/v1}" >program
ends 2 "error[E011]" "$allod" watch --cluster --kubeconfig program --allowed repo --once
[[ ! -e was-run ]] && right || wrong "exec" "the program of a kubeconfig was run"

# Continuously.
"${watch[@]}" --format json >events 2>watch.log &
watcher=$!
pids+=("$watcher")
event '"outcome":"clean"'
kubectl -n prod set image deployment/web web=docker.io/library/nginx:1 >/dev/null
event '"change":"began"' '"code":"F011"' 'Deployment/prod/web' 'nginx:1' 'deploy/web.yaml'
kubectl -n prod create deployment extra --image=registry.example.lu/other:1 >/dev/null
event '"change":"began"' '"code":"F010"' 'Deployment/prod/extra'
kubectl -n prod delete deployment extra >/dev/null
event '"change":"ended"' '"code":"F010"' 'Deployment/prod/extra'
kubectl -n prod patch configmap settings -p '{"data":{"API_URL":"https://api.openai.com/v1"}}' >/dev/null
event '"change":"began"' '"what":"violation"' 'no-model-abroad'
event 'Deployment/prod/web' 'api.openai.com'
# A container that somebody puts into a pod that runs.
pod=$(kubectl -n prod get pods -l app=web -o name | head -1)
kubectl get --raw /apis/apps/v1 >/dev/null
curl -fsS --cacert ca.crt -X PATCH -H 'Authorization: Bearer secret-of-this-test' -H 'Content-Type: application/strategic-merge-patch+json' \
    "https://127.0.0.1:$api_port/api/v1/namespaces/prod/pods/${pod#pod/}/ephemeralcontainers" \
    -d '{"spec":{"ephemeralContainers":[{"name":"d","image":"docker.io/library/busybox:1"}]}}' >/dev/null
event 'Deployment/prod/web' 'busybox:1'
# A custom resource whose kind comes only now is not known to it before the kinds are asked for again; a secret never is.
kubectl -n prod create secret generic hidden --from-literal=password=never-to-be-seen >/dev/null
kubectl apply -f repo/deploy >/dev/null
event '"change":"ended"' 'no-model-abroad'
# The pod with the container that was put into it is replaced.
kubectl -n prod delete pods -l app=web --force --grace-period=0 >/dev/null 2>&1 || true
event '"change":"ended"' '"code":"F011"' 'Deployment/prod/web'
# Nobody answers; and somebody does again, with another memory.
kill -KILL "$api"
event '"change":"began"' '"code":"F012"'
event '"change":"changed"' '"outcome":"unseen"'
serve
until_ok "the API server" kubectl get --raw /readyz
kubectl -n prod create deployment late --image=registry.example.lu/late:1 >/dev/null
event '"change":"ended"' '"code":"F012"'
event '"change":"began"' '"code":"F010"' 'Deployment/prod/late'
# Until all is seen again, nobody can say.
until_ok "all seen" sh -c 'grep -F "\"what\":\"outcome\"" events | tail -n 1 | grep -F "\"outcome\":\"found\""'
! grep -q never-to-be-seen events watch.log && right || wrong "secrets" "a secret is in the events"
code=0
kill -TERM "$watcher"
wait "$watcher" || code=$?
[[ $code == 1 ]] && right || wrong "the end" "it ended with $code"
kubectl -n prod delete deployment late >/dev/null
until_ok "no drift" "${watch[@]}" --once
kubectl -n prod delete ingress web >/dev/null
ends 0 "denied" "${watch[@]}" --once --fail-on-missing
kubectl -n prod delete deployment web >/dev/null
until_ok "no pods" sh -c '[ -z "$(kubectl -n prod get pods -l app=web -o name)" ] || kubectl -n prod delete pods -l app=web --force --grace-period=0'
ends 1 "F013 Deployment/prod/web" "${watch[@]}" --once --fail-on-missing

echo "$passed passed, $failed failed"
((failed == 0))
