// A static program for pods of tests: it serves a text, asks for a page, and writes and reads files.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

func main() {
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(command string, args []string) error {
	switch command {
	case "serve":
		fmt.Println("serving", args[0])
		return http.ListenAndServe(":8080", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, args[0])
		}))
	case "get":
		client := http.Client{Timeout: 5 * time.Second}
		answer, err := client.Get(args[0])
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		_, err = io.Copy(os.Stdout, answer.Body)
		return err
	case "write":
		return os.WriteFile(args[0], []byte(args[1]), 0o644)
	}
	return fmt.Errorf("no command %q", command)
}
