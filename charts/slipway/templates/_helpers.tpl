{{- define "slipway.name" -}}
{{- if contains "slipway" .Release.Name -}}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{- else -}}{{ printf "%s-slipway" .Release.Name | trunc 50 | trimSuffix "-" }}{{- end -}}
{{- end -}}

{{- define "slipway.gatewayName" -}}
{{ include "slipway.name" . }}-gateway
{{- end -}}

{{- define "slipway.selectorLabels" -}}
app.kubernetes.io/name: slipway
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- /* Another name than the operator's, whose selector would take the gateways for operators. */ -}}
{{- define "slipway.gatewaySelectorLabels" -}}
app.kubernetes.io/name: slipway-gateway
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "slipway.labels" -}}
{{ include "slipway.selectorLabels" . }}
app.kubernetes.io/component: operator
{{ include "slipway.releaseLabels" . }}
{{- end -}}

{{- define "slipway.gatewayLabels" -}}
{{ include "slipway.gatewaySelectorLabels" . }}
app.kubernetes.io/component: gateway
{{ include "slipway.releaseLabels" . }}
{{- end -}}

{{- define "slipway.releaseLabels" -}}
app.kubernetes.io/part-of: slipway
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* Policies belong to the whole cluster, where an install for some namespaces has no rights. */}}
{{- define "slipway.hasAdmission" -}}
{{- and .Values.admission.enabled (not .Values.watchNamespaces) -}}
{{- end -}}

{{- /* (list . "operator" .Values.images.operator) -> the full reference of an image */ -}}
{{- define "slipway.image" -}}
{{- $root := index . 0 -}}{{- $name := index . 1 -}}{{- $full := index . 2 -}}
{{- if $full -}}{{ $full }}{{- else -}}
{{ printf "%s/%s:%s" ($root.Values.images.registry | default "docker.io/slipway") $name ($root.Values.images.tag | default $root.Chart.AppVersion) }}
{{- end -}}
{{- end -}}

{{- define "slipway.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "slipway.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- /* (list . .Values.gateway) -> how a pod is scheduled, as the operator's or the gateways' values say */ -}}
{{- define "slipway.scheduling" -}}
{{- $root := index . 0 -}}{{- $values := index . 1 -}}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $root.Values.images.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
