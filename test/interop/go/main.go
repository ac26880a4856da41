// Command peer is a go-libp2p node that does what it is told: each line of its
// input is a request, each line of its output an answer or an event, in JSON.
//
// Its argument, also JSON, says how the node is made.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
)

const libp2pPath = "github.com/libp2p/go-libp2p"

// maxRequest is more than the longest limit file of a test.
const maxRequest = 1 << 20

type request struct {
	ID      int             `json:"id"`
	Command string          `json:"command"`
	Args    json.RawMessage `json:"args"`
}

type response struct {
	ID     int    `json:"id"`
	Result any    `json:"result,omitempty"`
	Error  string `json:"error,omitempty"`
}

type event struct {
	Event  string `json:"event"`
	Detail any    `json:"detail"`
}

// output is written to by many goroutines, a line at a time.
type output struct {
	mu      sync.Mutex
	encoder *json.Encoder
}

func (o *output) write(message any) {
	o.mu.Lock()
	defer o.mu.Unlock()

	// there is nobody to complain to when the output is closed
	_ = o.encoder.Encode(message)
}

func (o *output) emit(name string, detail any) {
	o.write(event{Event: name, Detail: detail})
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) < 2 {
		return errors.New("usage: peer <options>")
	}

	var opts options
	if err := json.Unmarshal([]byte(os.Args[1]), &opts); err != nil {
		return fmt.Errorf("options: %w", err)
	}

	out := &output{encoder: json.NewEncoder(os.Stdout)}

	n, err := newNode(opts, out.emit)
	if err != nil {
		return err
	}
	defer n.close()

	out.emit("ready", nil)

	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, maxRequest)

	for input.Scan() {
		var req request
		if err := json.Unmarshal(input.Bytes(), &req); err != nil {
			return fmt.Errorf("a request that is no JSON: %w", err)
		}

		// a dial may take long, and others must not wait for it
		go func() { out.write(answer(n, req)) }()
	}

	return input.Err()
}

func answer(n *node, req request) response {
	command, ok := commands[req.Command]
	if !ok {
		return response{ID: req.ID, Error: fmt.Sprintf("no command is called %q", req.Command)}
	}

	result, err := command(n, req.Args)
	if err != nil {
		return response{ID: req.ID, Error: err.Error()}
	}

	return response{ID: req.ID, Result: result}
}

// versions says what the program is built with.
func versions() map[string]string {
	result := map[string]string{"go": runtime.Version()}

	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if dep.Path == libp2pPath {
				result["libp2p"] = dep.Version
			}
		}
	}

	return result
}
