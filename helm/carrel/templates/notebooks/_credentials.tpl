{{- define "carrel.credentials" -}}
{{- $own := .own -}}
{{- with .root -}}
{{- $file := dict "file" "/var/run/carrel/token/token" "format" (dict "type" "text") -}}
{{- $credentials := dict "type" "external_account" "universe_domain" "googleapis.com" "subject_token_type" "urn:ietf:params:oauth:token-type:jwt" "credential_source" $file -}}
{{- if eq .Values.warehouse.mode "standIn" -}}
{{- $_ := set $credentials "audience" "//warehouse.carrel.local/clusters/this" -}}
{{- $_ := set $credentials "token_url" (printf "http://warehouse.%s.svc:9050/sts/v1/token" .Release.Namespace) -}}
{{- else -}}
{{- $google := .Values.warehouse.google -}}
{{- $_ := set $credentials "audience" $google.audience -}}
{{- $_ := set $credentials "token_url" "https://sts.googleapis.com/v1/token" -}}
{{- if and $google.serviceAccount (not $own) -}}
{{- $_ := set $credentials "service_account_impersonation_url" (printf "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/%s:generateAccessToken" $google.serviceAccount) -}}
{{- end -}}
{{- end -}}
{{- toPrettyJson $credentials -}}
{{- end -}}
{{- end }}
