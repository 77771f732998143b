{{- define "slipway.name" -}}
{{- if contains "slipway" .Release.Name -}}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{- else -}}{{ printf "%s-slipway" .Release.Name | trunc 50 | trimSuffix "-" }}{{- end -}}
{{- end -}}

{{- define "slipway.selectorLabels" -}}
app.kubernetes.io/name: slipway
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "slipway.labels" -}}
{{ include "slipway.selectorLabels" . }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: slipway
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "slipway.gateway.selectorLabels" -}}
app.kubernetes.io/name: slipway-gateway
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "slipway.gateway.labels" -}}
{{ include "slipway.gateway.selectorLabels" . }}
app.kubernetes.io/component: gateway
app.kubernetes.io/part-of: slipway
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* Policies belong to the whole cluster, where an install for some namespaces has no rights. */}}
{{- define "slipway.hasAdmission" -}}
{{- and .Values.admission.enabled (not .Values.watchNamespaces) -}}
{{- end -}}

{{/* (list . "operator" .Values.images.operator) -> the full reference of an image */}}
{{- define "slipway.image" -}}
{{- $root := index . 0 -}}{{- $name := index . 1 -}}{{- $full := index . 2 -}}
{{- if $full -}}{{ $full }}{{- else -}}
{{ printf "%s/%s:%s" ($root.Values.images.registry | default "docker.io/slipway") $name ($root.Values.images.tag | default $root.Chart.AppVersion) }}
{{- end -}}
{{- end -}}
