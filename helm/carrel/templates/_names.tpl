{{/* Every name and label of the chart. Component names are short, as in z2jh: one release per namespace. */}}

{{- define "carrel.labels" -}}
{{ include "carrel.selector" . }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "carrel.selector" -}}
app.kubernetes.io/name: carrel
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "carrel.metadata" -}}
name: {{ .name | default .component }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "carrel.labels" . | nindent 2 }}
{{- end }}

{{/* Cluster-wide objects carry the namespace too, so that two releases never meet. */}}
{{- define "carrel.clusterName" -}}
{{ .root.Release.Namespace }}-{{ .component }}
{{- end }}

{{- define "carrel.image" -}}
{{ .name }}:{{ .tag }}
{{- end }}

{{/* A map as JSON without what is null: a later values file takes an entry of an earlier one away so. */}}
{{- define "carrel.given" -}}
{{- $given := dict -}}
{{- range $key, $value := . -}}
{{- if not (kindIs "invalid" $value) -}}
{{- $_ := set $given $key $value -}}
{{- end -}}
{{- end -}}
{{- toJson $given -}}
{{- end }}
