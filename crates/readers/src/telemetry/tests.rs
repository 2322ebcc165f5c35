use super::{Form, sniff};
use crate::kubernetes::tests::{read_all, shown, survives};

fn one(path: &str, text: &str) -> String {
    shown(&read_all(&super::READER, &[path], &[(path, text)]))
}

const COLLECTOR: &str = "receivers: {otlp: {}}
extensions:
  oauth2client:
    token_url: https://login.acme-id.eu/token
exporters:
  debug: {}
  otlphttp/eu:
    endpoint: https://otlp.eu01.nr-data.net
  otlp/inside:
    endpoint: tempo.monitoring.svc:4317
  otlp/unset:
    endpoint: ${env:BACKEND}
  datadog:
    api:
      key: ${env:DD_API_KEY}
      site: datadoghq.eu
  awsxray:
    region: eu-west-1
  sentry/unused:
    dsn: https://key@o1.ingest.sentry.io/1
service:
  extensions: [oauth2client]
  pipelines:
    traces: {exporters: [debug, otlphttp/eu, otlp/inside, otlp/unset, datadog, awsxray]}
";

#[test]
fn collectors_send_where_their_pipelines_say() {
    insta::assert_snapshot!(one("otel.yaml", COLLECTOR));
}

#[test]
fn a_variable_is_taken_from_the_file_beside() {
    let files = [
        (
            "a/otel.yaml",
            "receivers: {}\nexporters:\n  otlp:\n    endpoint: ${EP}\nservice: {pipelines: {t: {exporters: [otlp]}}}\n",
        ),
        ("a/.env", "# x\nEP=https://api.honeycomb.io:443\n"),
    ];
    insta::assert_snapshot!(shown(&read_all(&super::READER, &["a/otel.yaml"], &files)));
}

const PROMETHEUS: &str = "global: {scrape_interval: 15s}
remote_write:
  - url: https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/x/api/v1/remote_write
    sigv4:
      region: eu-west-1
alerting:
  alertmanagers:
    - static_configs:
        - targets: ['alertmanager:9093']
scrape_configs:
  - job_name: status
    static_configs:
      - targets: [status.acme-health.lu]
";

const ALERTS: &str = "global:
  slack_api_url: https://hooks.slack.com/services/T0/B0/secretpart
route: {receiver: all}
receivers:
  - name: all
    slack_configs:
      - channel: '#ops'
    pagerduty_configs:
      - routing_key_file: /key
    webhook_configs:
      - url: http://bridge:8080
      - url_file: /x
";

#[test]
fn prometheus_and_its_alerts() {
    let text = one("alerts.yaml", ALERTS);
    assert!(!text.contains("secretpart"));
    insta::assert_snapshot!(format!("{}\n\n{text}", one("prometheus.yml", PROMETHEUS)));
}

const FLUENT_BIT: &str = "[SERVICE]
    Flush 1
[OUTPUT]
    Name  datadog
    Match *
    Host  http-intake.logs.datadoghq.eu
[OUTPUT]
    Name cloudwatch_logs
    region eu-central-1
[OUTPUT]
    Name es
    Host elasticsearch
[OUTPUT]
    Name s3
    bucket logs
    region gra
    endpoint https://s3.gra.io.cloud.ovh.net
[OUTPUT]
    Name stdout
";

const FLUENT_BIT_YAML: &str = "service: {flush: 1}
pipeline:
  inputs: [{name: tail}]
  outputs:
    - name: nrlogs
      match: '*'
    - name: http
      host: ${LOG_HOST}
";

const FLUENTD: &str = "<source>
  @type tail
</source>
<match **>
  @type copy
  <store>
    @type elasticsearch
    host search.acme-search.eu
  </store>
  <store>
    @type s3
    s3_region us-east-1
  </store>
</match>
";

#[test]
fn fluent_bit_and_fluentd() {
    let texts = [one("fluent-bit.conf", FLUENT_BIT), one("fb.yaml", FLUENT_BIT_YAML), one("fluent.conf", FLUENTD)];
    insta::assert_snapshot!(texts.join("\n\n"));
}

const VECTOR: &str = "[sources.in]
type = \"file\"
[sinks.dd]
type = \"datadog_logs\"
inputs = [\"in\"]
site = \"us3.datadoghq.com\"
[sinks.own]
type = \"loki\"
inputs = [\"in\"]
endpoint = \"http://loki:3100\"
[sinks.out]
type = \"console\"
inputs = [\"in\"]
";

const ALLOY: &str = "// comment
prometheus.remote_write \"cloud\" {
  endpoint {
    url = \"https://prometheus-prod-01-eu-west-0.grafana.net/api/prom/push\"
  }
}
loki.write \"x\" {
  endpoint {
    url = sys.env(\"LOKI_URL\")
  }
}
";

const TELEGRAF: &str = "[agent]
interval = \"10s\"
[[outputs.influxdb_v2]]
urls = [\"https://eu-central-1-1.aws.cloud2.influxdata.com\"]
[[outputs.cloudwatch]]
region = \"eu-west-1\"
";

const BEATS: &str = "filebeat.inputs: []
output.elasticsearch:
  hosts: ['https://es.acme-search.eu:9200', 'http://localhost:9200']
  password: ${PASSWORD}
";

const SOURCES: &str = "apiVersion: 1
datasources:
  - name: cw
    type: cloudwatch
    jsonData: {defaultRegion: eu-west-1}
  - name: prom
    type: prometheus
    url: http://prometheus:9090
";

#[test]
fn agents_and_other_pipelines() {
    let texts = [
        one("vector.toml", VECTOR),
        one("config.alloy", ALLOY),
        one(
            "promtail.yaml",
            "clients:\n  - url: https://logs-prod-eu-west-0.grafana.net/loki/api/v1/push\npositions: {}\n",
        ),
        one("datadog.yaml", "api_key: secret\nlogs_enabled: true\n"),
        one("telegraf.conf", TELEGRAF),
        one("filebeat.yml", BEATS),
        one("sources.yaml", SOURCES),
    ];
    insta::assert_snapshot!(texts.join("\n\n"));
}

#[test]
fn forms_by_name_and_content() {
    let check = |name: &str, text: &str, expect: Option<Form>| assert_eq!(sniff(name, text), expect, "{name}");
    check("config.yaml", COLLECTOR, Some(Form::Collector));
    check("prometheus.yml", PROMETHEUS, Some(Form::Prometheus));
    check("x.yml", ALERTS, Some(Form::Alertmanager));
    check("fluent-bit.conf", FLUENT_BIT, Some(Form::FluentBit));
    check("a.yaml", FLUENT_BIT_YAML, Some(Form::FluentBitYaml));
    check("fluent.conf", FLUENTD, Some(Form::Fluentd));
    check("v.toml", VECTOR, Some(Form::Vector));
    check("c", ALLOY, Some(Form::Alloy));
    check("t.conf", TELEGRAF, Some(Form::Telegraf));
    check("f.yml", BEATS, Some(Form::Beats));
    check("s.yaml", SOURCES, Some(Form::GrafanaSources));
    check("prometheus.yaml", "apiVersion: v1\nkind: Service\nscrape_configs: []\n", None);
    check("app.yaml", "name: x\nservice: y\n", None);
    check("nginx.conf", "server { listen 80; }", None);
}

#[test]
fn damaged_pipelines_never_panic() {
    let samples = [
        ("otel.yaml", COLLECTOR),
        ("p.yml", PROMETHEUS),
        ("a.yml", ALERTS),
        ("fluent-bit.conf", FLUENT_BIT),
        ("fb.yaml", FLUENT_BIT_YAML),
        ("fluent.conf", FLUENTD),
        ("vector.toml", VECTOR),
        ("c.alloy", ALLOY),
        ("telegraf.conf", TELEGRAF),
        ("filebeat.yml", BEATS),
        ("s.yaml", SOURCES),
    ];
    for (path, sample) in samples {
        survives(&super::READER, path, sample);
    }
}

#[test]
fn rules_send_nothing_and_a_writer_is_found_below_stray_braces() {
    let read = |path: &str, text: &str| shown(&read_all(&super::READER, &[path], &[(path, text)]));
    assert_eq!(read("r.yaml", "groups:\n  - rules:\n      - alert: X\n        doc: https://docs.acme.net/x\n"), "");
    let alloy = "loki.process \"x\" {\n  // an open {\n}\nloki.write \"a\" {\n  endpoint {\n    url = \"http://<loki>:<port>/p\"\n  }\n}\n";
    let alloy = alloy.replace("// an open {", "stage.match { selector = \"{\" }");
    assert!(read("c.alloy", &alloy).contains("the destination is a placeholder"), "{}", read("c.alloy", &alloy));
    let collector =
        "receivers: {otlp: {}}\nexporters:\n  otlphttp: {endpoint: 'https://ingest.${env:REALM}.acme.net'}\n";
    assert!(read("c.yaml", collector).contains("host:*.acme.net"), "{}", read("c.yaml", collector));
}

#[test]
fn keys_in_quotes_are_keys() {
    let text = "\"sources\": {}\n\"sinks\":\n  \"a\":\n    \"type\": \"aws_s3\"\n";
    assert_eq!(sniff("x.yaml", text), Some(Form::Vector));
}
