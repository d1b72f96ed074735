{{/* The operator's settings file; operator/carrel_operator/settings.py says what each key means. */}}

{{- define "carrel.operatorSettings" -}}
namespace: {{ .Release.Namespace }}
home: {{ .Values.notebook.home | toJson }}
projects:
  size: {{ .Values.projects.size | quote }}
  storageClass: {{ .Values.projects.storageClass | toJson }}
  image: {{ include "carrel.image" .Values.operator.image }}
  checkEveryHours: {{ .Values.projects.checkEveryHours }}
cull: {{ .Values.cull | toJson }}
backup:
  {{- with .Values.backup }}
  enabled: {{ .enabled }}
  snapshots: {{ .snapshots }}
  image: {{ include "carrel.image" .image }}
  at: {{ .schedule.at | quote }}
  timeZone: {{ .schedule.timeZone | quote }}
  keep: {{ .keep | toJson }}
  concurrency: {{ .concurrency }}
  exclude: {{ .exclude | toJson }}
  patienceBeforeImageChange: {{ .patienceBeforeImageChange }}
  repository: {{ .repository | toJson }}
  credentialsSecret: {{ .credentialsSecret | toJson }}
  resources: {{ .resources | toJson }}
  {{- end }}
notebook:
  port: 8888
  resizesPerSecond: {{ .Values.notebook.resizesPerSecond }}
  terminationGracePeriodSeconds: {{ .Values.notebook.terminationGracePeriodSeconds }}
  imagePullPolicy: {{ .Values.notebook.imagePullPolicy }}
  imagePullSecrets: {{ include "carrel.pullSecretNames" . }}
  priorityClassName: {{ .Values.notebook.priorityClassName | toJson }}
  environment: {{ include "carrel.given" .Values.notebook.environment }}
identity: {{ include "carrel.identitySettings" . | nindent 2 }}
network:
  ingress:
    - from:
        - {{- include "carrel.peer" (dict "root" . "component" "hub") | nindent 10 }}
        - {{- include "carrel.peer" (dict "root" . "component" "proxy") | nindent 10 }}
      ports: [{port: 8888, protocol: TCP}]
  egress:
    {{- include "carrel.notebookEgress" . | nindent 4 }}
{{- end }}

{{- define "carrel.snapshots" -}}
{{- if and .Values.backup.enabled (ne .Values.backup.snapshots "never") }}true{{ end }}
{{- end }}

{{- define "carrel.identitySettings" -}}
{{- $warehouse := .Values.warehouse -}}
{{- if eq $warehouse.mode "standIn" -}}
mode: federated
audience: https://warehouse.carrel.local/clusters/this
tokenExpirationSeconds: {{ $warehouse.tokenExpirationSeconds }}
project: {{ $warehouse.project }}
principal: principal://warehouse.carrel.local/clusters/this/subject/system:serviceaccount:{namespace}:{serviceAccount}
environment:
  BIGQUERY_EMULATOR_HOST: {{ include "carrel.queryAddress" . }}
  NO_GCE_CHECK: "true"
{{- else if eq $warehouse.mode "google" -}}
mode: {{ $warehouse.google.access }}
project: {{ $warehouse.project }}
principal: {{ $warehouse.google.principal | quote }}
serviceAccountAnnotations: {{ include "carrel.given" $warehouse.google.serviceAccountAnnotations }}
{{- if eq $warehouse.google.access "federated" }}
audience: {{ printf "https:%s" (required "warehouse.google.audience is needed with access: federated; it is the provider, //iam.googleapis.com/projects/…" $warehouse.google.audience) }}
tokenExpirationSeconds: {{ $warehouse.tokenExpirationSeconds }}
{{- end }}
environment:
  {{- if eq $warehouse.google.access "federated" }}
  NO_GCE_CHECK: "true"
  {{- end }}
  {{- if include "carrel.gateway" . }}
  BIGQUERY_EMULATOR_HOST: {{ include "carrel.queryAddress" . }}
  {{- end }}
  {{- with $warehouse.google.quotaProject }}
  GOOGLE_CLOUD_QUOTA_PROJECT: {{ . }}
  {{- end }}
{{- else -}}
mode: none
{{- end }}
{{- end }}

{{/* Where notebooks ask their queries. */}}
{{- define "carrel.queryAddress" -}}
{{- if include "carrel.gateway" . -}}
http://gateway.{{ .Release.Namespace }}.svc:9060
{{- else -}}
{{ include "carrel.warehouseAddress" . }}
{{- end -}}
{{- end }}

{{- define "carrel.notebookEgress" -}}
{{ include "carrel.toDns" . }}
- to:
    - {{- include "carrel.peer" (dict "root" . "component" "hub") | nindent 6 }}
  ports: [{port: 8081, protocol: TCP}]
{{- if eq .Values.warehouse.mode "standIn" }}
- to:
    - {{- include "carrel.peer" (dict "root" . "component" "warehouse") | nindent 6 }}
  ports: [{port: 9050, protocol: TCP}]
{{- end }}
{{- if include "carrel.gateway" . }}
- to:
    - {{- include "carrel.peer" (dict "root" . "component" "gateway") | nindent 6 }}
  ports: [{port: 9060, protocol: TCP}]
{{- end }}
{{- with .Values.networkPolicy.notebookEgress }}
- to:
    - ipBlock: {cidr: {{ .cidr }}, except: {{ .except | toJson }}}
{{- with .extra }}
{{ toYaml . }}
{{- end }}
{{- end }}
{{- if and (eq .Values.warehouse.mode "google") (eq .Values.warehouse.google.access "metadata") }}
{{ include "carrel.toMetadataServer" . }}
{{- end }}
{{- end }}
