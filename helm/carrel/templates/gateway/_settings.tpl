{{/* The gateway's settings file; warehouse/carrel_warehouse/gateway/settings.py says what each key means. */}}

{{- define "carrel.gateway" -}}
{{- if and (ne .Values.warehouse.mode "none") .Values.warehouse.gateway.enabled }}true{{ end }}
{{- end }}

{{- define "carrel.warehouseAddress" -}}
{{- if eq .Values.warehouse.mode "standIn" -}}
http://warehouse.{{ .Release.Namespace }}.svc:9050
{{- else -}}
https://bigquery.googleapis.com
{{- end -}}
{{- end }}

{{- define "carrel.gatewaySettings" -}}
{{- $gateway := .Values.warehouse.gateway -}}
namespace: {{ .Release.Namespace }}
upstream: {{ include "carrel.warehouseAddress" . }}
project: {{ .Values.warehouse.project }}
pricePerTib: {{ $gateway.pricePerTib }}
currency: {{ $gateway.currency | quote }}
budget:
  bytesPerDay: {{ $gateway.budget.bytesPerDay | toJson }}
  bytesPerQuery: {{ $gateway.budget.bytesPerQuery | toJson }}
people: {{ include "carrel.given" $gateway.budget.people }}
{{- end }}
