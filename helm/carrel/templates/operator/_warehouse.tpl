{{/* How the operator itself gets into the warehouse: keyless like a notebook, and as nobody but itself. */}}

{{- define "carrel.operatorFederated" -}}
{{- $warehouse := .Values.warehouse -}}
{{- if or (eq $warehouse.mode "standIn") (and (eq $warehouse.mode "google") (eq $warehouse.google.access "federated")) }}true{{ end }}
{{- end }}

{{- define "carrel.operatorEnvironment" -}}
{{- $warehouse := .Values.warehouse -}}
{{- if ne $warehouse.mode "none" }}
- {name: GOOGLE_CLOUD_PROJECT, value: {{ $warehouse.project | quote }}}
{{- if eq $warehouse.mode "standIn" }}
# not through the gateway, which is for queries
- {name: BIGQUERY_EMULATOR_HOST, value: "http://warehouse.{{ .Release.Namespace }}.svc:9050"}
{{- else if $warehouse.google.quotaProject }}
- {name: GOOGLE_CLOUD_QUOTA_PROJECT, value: {{ $warehouse.google.quotaProject | quote }}}
{{- end }}
{{- if include "carrel.operatorFederated" . }}
- {name: GOOGLE_APPLICATION_CREDENTIALS, value: /var/run/carrel/credentials/own.json}
- {name: NO_GCE_CHECK, value: "true"}
{{- end }}
{{- end }}
{{- end }}

{{- define "carrel.operatorMounts" -}}
- {name: settings, mountPath: /etc/carrel, readOnly: true}
- {name: tmp, mountPath: /tmp}
{{- if include "carrel.operatorFederated" . }}
- {name: token, mountPath: /var/run/carrel/token, readOnly: true}
- {name: credentials, mountPath: /var/run/carrel/credentials, readOnly: true}
{{- end }}
{{- end }}

{{- define "carrel.operatorVolumes" -}}
- name: settings
  configMap: {name: operator}
- name: tmp
  emptyDir: {}
{{- if include "carrel.operatorFederated" . }}
- name: token
  projected:
    sources:
      - serviceAccountToken:
          path: token
          audience: {{ (include "carrel.identitySettings" . | fromYaml).audience | quote }}
          expirationSeconds: 3600
- name: credentials
  configMap: {name: warehouse-credentials}
{{- end }}
{{- end }}

{{- define "carrel.operatorToWarehouse" -}}
{{- if eq .Values.warehouse.mode "standIn" }}
- to:
    - {{- include "carrel.peer" (dict "root" . "component" "warehouse") | nindent 6 }}
  ports: [{port: 9050, protocol: TCP}]
{{- else if eq .Values.warehouse.mode "google" }}
- to:
    - ipBlock: {cidr: 0.0.0.0/0}
  ports: [{port: 443, protocol: TCP}]
{{- if eq .Values.warehouse.google.access "metadata" }}
{{ include "carrel.toMetadataServer" . }}
{{- end }}
{{- end }}
{{- with .Values.networkPolicy.operatorEgress.extra }}
{{ toYaml . }}
{{- end }}
{{- end }}
