// kstatus says how objects are, as Flux, Argo CD's plugins and helm --wait would: JSON objects, one a line, from stdin; for each
// a line with {status, message}.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	answers := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		result, err := compute(lines.Bytes())
		if err == nil {
			err = answers.Encode(map[string]string{"status": result.Status.String(), "message": result.Message})
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func compute(line []byte) (*status.Result, error) {
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(line); err != nil {
		return nil, err
	}
	return status.Compute(object)
}
