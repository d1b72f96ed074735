{{/* Parts of NetworkPolicies that several components share. */}}

{{- define "carrel.toDns" -}}
- to:
    - namespaceSelector:
        matchLabels: {kubernetes.io/metadata.name: kube-system}
    {{- range .Values.networkPolicy.dnsCidrs }}
    - ipBlock: {cidr: {{ . }}}
    {{- end }}
  ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
{{- end }}

{{- define "carrel.toApiServer" -}}
- to:
    {{- range .Values.networkPolicy.apiServer.cidrs }}
    - ipBlock: {cidr: {{ . }}}
    {{- end }}
  ports:
    {{- range .Values.networkPolicy.apiServer.ports }}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
{{- end }}

{{- define "carrel.peer" -}}
podSelector:
  matchLabels:
    {{- include "carrel.selector" . | nindent 4 }}
{{- end }}

{{- define "carrel.notebooks" -}}
podSelector:
  matchLabels: {app.kubernetes.io/name: notebook}
{{- end }}

{{/* GKE's, by the address that policies see with Calico and with Dataplane V2. */}}
{{- define "carrel.toMetadataServer" -}}
- to:
    - ipBlock: {cidr: 169.254.169.252/32}
    - ipBlock: {cidr: 169.254.169.254/32}
  ports:
    - {port: 80, protocol: TCP}
    - {port: 988, protocol: TCP}
{{- end }}
