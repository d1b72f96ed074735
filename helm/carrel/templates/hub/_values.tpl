{{/* What the hub's own configuration reads: hub_config/jupyterhub_config.py. */}}

{{- define "carrel.hubValues" -}}
{{- $hub := dict -}}
{{- range $key := list "baseUrl" "publicUrl" "allowNamedServers" "namedServerLimitPerUser" "concurrentSpawnLimit" "activeServerLimit" "redirectToServer" "shutdownOnLogout" "startTimeout" "stuckTimeout" "groupsRefreshSeconds" "endedSignInStops" -}}
{{- $_ := set $hub $key (index $.Values.hub $key) -}}
{{- end -}}
{{- range $key := list "config" "services" "loadRoles" "extraConfig" -}}
{{- $_ := set $hub $key (include "carrel.given" (index $.Values.hub $key) | fromJson) -}}
{{- end -}}
{{- $_ := set $hub "db" (pick .Values.hub.db "type" "url") -}}
{{- $identity := pick .Values.identityProvider "enabled" "publicUrl" "name" "adminGroups" "allowedGroups" -}}
{{- $_ := set $identity "url" "http://identity:8080" -}}
{{- $usage := "" -}}
{{- if include "carrel.gateway" . -}}
{{- $usage = printf "http://gateway.%s.svc:9061" .Release.Namespace -}}
{{- end -}}
{{- dict "namespace" .Release.Namespace "hub" $hub "cull" .Values.cull "identityProvider" $identity "backup" (pick .Values.backup "enabled") "usage" (dict "url" $usage) "debug" .Values.debug | toYaml -}}
{{- end }}
