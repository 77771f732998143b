//go:build tools

// Package tools names the command that this module pins. (h2spec v2 has no go.mod, so `go install` cannot name its version.)
package tools

import _ "github.com/summerwind/h2spec/cmd/h2spec"
