{{- define "carrel.identitySeed" -}}
{{- $values := .Values.identityProvider -}}
{{- $hub := trimSuffix "/" $values.hubUrl -}}
{{- $client := dict "id" "hub" "secret" (include "carrel.clientSecret" .) "uri" $values.hubUrl "redirectUris" (list (printf "%s%shub/oauth_callback" $hub .Values.hub.baseUrl)) -}}
{{- $secretKey := include "carrel.kept" (dict "root" . "secret" "identity" "key" "secretKey") -}}
{{- dict "name" $values.name "publicUrl" $values.publicUrl "secretKey" $secretKey "client" $client "users" (include "carrel.given" $values.users | fromJson) | toJson -}}
{{- end }}
