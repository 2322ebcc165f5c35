// A tree of Kubernetes, Compose and Terraform files of many teams: node tree.mjs FOLDER COMPONENTS
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { argv } from "node:process";
import { pathToFileURL } from "node:url";

// Components that one team's files give, about: workloads, their images, buckets, a database.
const OF_A_TEAM = 26;
const WORKLOADS = 12;
const HOSTS = ["in.datadoghq.eu", "api.openai.com", "api.stripe.com", "api.mistral.ai", "sentry.io", "hooks.slack.com", "smtp.mailbox.org", "s3.gra.io.cloud.ovh.net"];
const IMAGES = ["docker.io/library/nginx", "ghcr.io/acme/api", "quay.io/acme/worker", "registry.gitlab.com/acme/web", "docker.io/library/redis"];

function workload(team, at) {
  const hosts = [0, 1].map((one) => HOSTS[(team * 3 + at + one * 5) % HOSTS.length]);
  const env = hosts.map((host, one) => `            - { name: URL_${one}, value: "https://${host}/v1" }\n`).join("") +
    (at > 0 ? `            - { name: BEFORE, value: "http://t${team}-w${at - 1}:8080" }\n` : "");
  return `apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: t${team}-w${at}, namespace: team-${team}, labels: { allod/environment: production${at % 4 ? "" : ", allod/data: patient"} } }\n` +
    `spec:\n  template:\n    metadata: { labels: { app: t${team}-w${at} } }\n    spec:\n      containers:\n        - name: main\n          image: ${IMAGES[(team + at) % IMAGES.length]}:${team}.${at}\n          env:\n${env}` +
    `---\napiVersion: v1\nkind: Service\nmetadata: { name: t${team}-w${at}, namespace: team-${team} }\nspec: { selector: { app: t${team}-w${at} }, ports: [{ port: 8080 }] }\n`;
}

export function makeTree(folder, components) {
  rmSync(folder, { recursive: true, force: true });
  const put = (path, text) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const teams = Math.max(1, Math.round(components / OF_A_TEAM));
  for (let team = 0; team < teams; team += 1) {
    put(`team-${team}/k8s.yaml`, Array.from({ length: WORKLOADS }, (_, at) => workload(team, at)).join("---\n"));
    put(`team-${team}/main.tf`, `provider "aws" { region = "eu-central-1" }\nresource "aws_s3_bucket" "data" { bucket = "data-${team}" }\n` +
      `resource "aws_db_instance" "db" { identifier = "db-${team}" }\nresource "scaleway_object_bucket" "copy" { name = "copy-${team}" }\n`);
    put(`team-${team}/compose.yaml`, `services:\n  db-${team}: { image: "postgres:16" }\n  app-${team}: { image: "node:22", depends_on: [db-${team}], environment: { MAIL: "smtp.mailbox.org:587" } }\n`);
  }
  put(".github/workflows/deploy.yml", "on: push\njobs:\n  deploy:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v4\n      - run: kubectl apply -f .\n");
  put("zones/acme.zone", "$ORIGIN acme.example.\n@ IN NS ada.ns.cloudflare.com.\n@ IN MX 10 mxext1.mailbox.org.\n");
}

if (import.meta.url === pathToFileURL(argv[1]).href) makeTree(argv[2], Number(argv[3]));
