{{/* Random values that are made once and kept over upgrades: read back from the Secret that holds them. */}}

{{- define "carrel.kept" -}}
{{- $there := lookup "v1" "Secret" .root.Release.Namespace .secret -}}
{{- $data := ($there.data | default dict) -}}
{{- if hasKey $data .key -}}
{{- index $data .key | b64dec -}}
{{- else -}}
{{- $made := .root.Values._made | default dict -}}
{{- $id := printf "%s/%s" .secret .key -}}
{{- if not (hasKey $made $id) -}}
{{- $_ := set $made $id (randBytes 32 | b64dec | toString | sha256sum) -}}
{{- $_ := set .root.Values "_made" $made -}}
{{- end -}}
{{- index $made $id -}}
{{- end -}}
{{- end }}

{{- define "carrel.proxyToken" -}}
{{- .Values.proxy.secretToken | default (include "carrel.kept" (dict "root" . "secret" "hub" "key" "hub.config.ConfigurableHTTPProxy.auth_token")) -}}
{{- end }}

{{- define "carrel.clientSecret" -}}
{{- include "carrel.kept" (dict "root" . "secret" "hub" "key" "hub.config.GenericOAuthenticator.client_secret") -}}
{{- end }}
