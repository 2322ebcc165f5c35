use super::template::{HOLE, Scope, Tree, defines, render};
use crate::kubernetes::tests::{read_all, shown, survives};
use crate::node::parse_yaml_document;
use std::sync::Arc;

const CHART: &str = "apiVersion: v2
name: shop
version: 0.1.0
appVersion: '3.2'
dependencies:
  - name: redis
    version: 18.x
    repository: https://charts.acme-charts.io/stable
    condition: redis.enabled
  - name: postgresql
    version: 1.0.0
    repository: oci://registry-1.docker.io/bitnamicharts
  - name: local
    repository: file://../missing
  - name: other
    repository: '@internal'
";

const VALUES: &str = "image:
  repository: ghcr.io/acme/shop
  tag: ''
sidecar:
  image:
    registry: quay.io
    repository: acme/sidecar
    tag: '1'
redis: {enabled: false}
api:
  url: https://api.acme-api.eu/v1
persistence: {storageClass: scw-bssd}
ingress:
  hosts:
    - host: shop.acme-shop.lu
extraEnv:
  - name: SMTP_HOST
    value: smtp.acme-mail.com
";

const TEMPLATE: &str = "{{- if .Values.image }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include \"shop.fullname\" . }}
  labels:
    {{- include \"shop.labels\" . | nindent 4 }}
spec:
  template:
    spec:
      containers:
        - name: shop
          image: \"{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}\"
          env:
            - name: API_URL
              value: {{ .Values.api.url | quote }}
            - name: OTHER_URL
              value: {{ tpl .Values.unset . }}
        - name: sidecar
          image: {{ include \"common.images.image\" (dict \"imageRoot\" .Values.sidecar.image \"global\" .Values.global) }}
        - name: fixed
          image: docker.io/acme/fixed:1
{{- end }}
";

#[test]
fn charts_values_and_templates() {
    let files = [("c/Chart.yaml", CHART), ("c/values.yaml", VALUES), ("c/templates/deployment.yaml", TEMPLATE)];
    let mine = ["c/Chart.yaml", "c/templates/deployment.yaml", "c/values.yaml"];
    insta::assert_snapshot!(shown(&read_all(&super::READER, &mine, &files)));
}

#[test]
fn values_without_a_chart_are_configuration() {
    let files = [("deploy/values-prod.yaml", VALUES)];
    insta::assert_snapshot!(shown(&read_all(&super::READER, &["deploy/values-prod.yaml"], &files)));
}

#[test]
fn expressions_that_are_known() {
    let values = parse_yaml_document("a: {b: x, e: ''}\nimage: {registry: r.io, repository: n/m, tag: t}\n").unwrap();
    let chart = parse_yaml_document("name: c\nappVersion: '9'\n").unwrap();
    let path: Arc<str> = Arc::from("values.yaml");
    let scope = Scope {
        values: Some(Tree { node: &values, path: path.clone(), reader: "helm" }),
        chart: Some(Tree { node: &chart, path, reader: "helm" }),
        defines: defines("{{- define \"c.image\" -}}\n{{ .Values.a.b }}\n{{- end }}{{ define \"c.x\" }}{{ if .y }}q{{ end }}{{ end }}")
            .into_iter()
            .collect(),
    };
    let check = |text: &str, expect: &str| {
        let rendered = render(text, &scope).text.replace(HOLE, "?");
        assert_eq!(rendered, format!("{expect}\n"), "{text}");
    };
    check("k: {{ .Values.a.b }}", "k: x");
    check("k: {{- .Values.a.b -}}/z", "k: x/z");
    check("k: {{ .Values.a.e | default \"d\" }}", "k: d");
    check("k: {{ default .Chart.AppVersion .Values.a.e }}", "k: 9");
    check("k: {{ printf \"%s:%s\" .Values.a.b (.Values.a.e | default \"1\") }}", "k: x:1");
    check("k: {{ .Values.a.zzz }}", "k: ?");
    check("k: {{ .Release.Name }}-x", "k: ?-x");
    check("k: {{ include \"c.image\" . }}", "k: x");
    check("k: {{ include \"c.x\" . }}", "k: ?");
    check("k: {{ include \"c.fullname\" . }}", "k: c");
    check("k: {{ include \"i\" (dict \"imageRoot\" .Values.image) }}", "k: r.io/n/m:t");
    check("{{ $v := .Values.a.b }}\nk: {{ $v }}", "\nk: x");
    check("{{ with .Values.image }}\nk: {{ .tag }}\n{{ end }}\nk: {{ .tag }}", "\nk: t\n\nk: ?");
    check("k: a{{ if .Values.a }}b{{ else }}c{{ end }}d", "k: a?d");
    check("a: 1\n{{/* a\ncomment */}}\nb: 2", "a: 1\n\n\nb: 2");
    check("k: {{ unclosed", "k: ?");
}

#[test]
fn damaged_charts_never_panic() {
    survives(&super::READER, "Chart.yaml", CHART);
    survives(&super::READER, "values.yaml", VALUES);
    for (at, _) in TEMPLATE.char_indices() {
        let files = [("Chart.yaml", CHART), ("values.yaml", VALUES), ("templates/a.yaml", TEMPLATE.get(..at).unwrap())];
        read_all(&super::READER, &["Chart.yaml", "templates/a.yaml", "values.yaml"], &files);
    }
    survives(&super::READER, "templates/a.yaml", TEMPLATE);
}

#[test]
fn deep_templates_end() {
    let deep = format!("k: {{{{ {}.Values.a{} }}}}\n", "(".repeat(50_000), ")".repeat(50_000));
    assert!(render(&deep, &Scope::default()).text.contains(HOLE));
    let blocks = "{{ if .a }}\n".repeat(100_000);
    render(&blocks, &Scope::default());
    let mut scope = Scope::default();
    scope.defines.insert("a".into(), "{{ include \"a\" . }}".into());
    assert!(render("k: {{ include \"a\" . }}", &scope).text.contains(HOLE));
}

#[test]
fn values_that_speak_of_a_cloud() {
    let check = |values: &str, expect: &str| {
        let text = shown(&read_all(&crate::helm::READER, &["x/dns-values.yaml"], &[("x/dns-values.yaml", values)]));
        assert!(text.contains(expect), "`{expect}` is missing in\n{text}");
    };
    check(
        "serviceAccount:\n  annotations:\n    eks.amazonaws.com/role-arn: arn:aws:iam::1:role/x\n",
        "-trusts-> helm:x/dns-values.yaml#cloud-identity:3",
    );
    check("provider:\n  name: cloudflare\ntxtPrefix: k.\n", "-resolved_by-> helm:x/dns-values.yaml#dns-provider:2");
    check("nodejs:\n  ingressHost: www.acme-shop.lu\n", "-resolved_by-> name:www.acme-shop.lu  @ x/dns-values.yaml:2");
    check("datadog:\n  apiKey:\n  site:\n", "-sends_to-> host:datadoghq.com NotRequired @ x/dns-values.yaml:3");
    check(
        "service:\n  annotations:\n    load-balancer.hetzner.cloud/location: fsn1\n",
        "Kubernetes=load-balancer.hetzner.cloud",
    );
}

#[test]
fn braces_in_quotes_do_not_end_an_action() {
    let rendered = render("a: {{ \"x {{ .Y }} \\\" }}\" }}\nb: 1\n", &Scope::default());
    assert_eq!(rendered.text.trim_end(), format!("a: {HOLE}\nb: 1"));
    // A quote that nobody closes costs its own action only.
    assert!(render("a: {{ \"x }}\nb: 1\n", &Scope::default()).text.contains("b: 1"));
}

#[test]
fn dependencies_of_charts_of_the_first_version() {
    let requirements = "dependencies:\n  - name: x\n    version: 1\n    repository: https://charts.acme-charts.io\n";
    let files = [("c/Chart.yaml", "name: c\n"), ("c/requirements.yaml", requirements)];
    let text = shown(&read_all(&crate::helm::READER, &["c/Chart.yaml", "c/requirements.yaml"], &files));
    assert!(text.contains("helm:c#c -built_from-> chart:charts.acme-charts.io/x"), "{text}");
}
