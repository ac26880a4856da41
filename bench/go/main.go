// Command bench does on go-libp2p's connection and resource managers what
// bench/go-libp2p.ts does on ours, one round at a time, so that both can take
// turns. Each line of the input is a request, each line of the output its result.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
)

const libp2pPath = "github.com/libp2p/go-libp2p"

// work is something to be measured, which returns what it took per operation,
// in µs.
type work func(request) (float64, error)

// request asks for one round.
type request struct {
	ID   int  `json:"id"`
	Args args `json:"args"`

	// Command is the name of the work
	Command string `json:"command"`
}

type args struct {
	// Connections is how many are open when the work begins
	Connections int `json:"connections"`

	// Count is how often it is done
	Count int `json:"count"`
}

type response struct {
	ID     int    `json:"id"`
	Result any    `json:"result,omitempty"`
	Error  string `json:"error,omitempty"`
}

type result struct {
	Micros float64 `json:"us"`
}

type versions struct {
	Go     string `json:"go"`
	Libp2p string `json:"libp2p"`
	Procs  int    `json:"procs"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	managers := newManagers()
	defer managers.close()

	resources, err := newResources()
	if err != nil {
		return err
	}
	defer resources.close()

	works := map[string]work{
		"lifecycle":  managers.lifecycle,
		"trim":       managers.trim,
		"connection": resources.connection,
		"stream":     resources.stream,
	}

	input := bufio.NewScanner(os.Stdin)
	output := json.NewEncoder(os.Stdout)

	for input.Scan() {
		var req request
		if err := json.Unmarshal(input.Bytes(), &req); err != nil {
			return fmt.Errorf("a request that is no JSON: %w", err)
		}

		if err := output.Encode(answer(works, req)); err != nil {
			return err
		}
	}

	return input.Err()
}

func answer(works map[string]work, req request) response {
	if req.Command == "versions" {
		return response{ID: req.ID, Result: versions{Go: runtime.Version(), Libp2p: libp2pVersion(), Procs: runtime.GOMAXPROCS(0)}}
	}

	do, ok := works[req.Command]
	if !ok {
		return response{ID: req.ID, Error: fmt.Sprintf("no work is called %q", req.Command)}
	}

	micros, err := do(req)
	if err != nil {
		return response{ID: req.ID, Error: err.Error()}
	}

	return response{ID: req.ID, Result: result{micros}}
}

func libp2pVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}

	for _, dep := range info.Deps {
		if dep.Path == libp2pPath {
			return dep.Version
		}
	}

	return "unknown"
}
