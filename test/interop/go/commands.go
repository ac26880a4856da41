package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
)

const timeout = 10 * time.Second

var commands = map[string]func(*node, json.RawMessage) (any, error){
	"info":        (*node).info,
	"dial":        (*node).dial,
	"dialMany":    (*node).dialMany,
	"ping":        (*node).ping,
	"connections": (*node).connections,
	"limits":      (*node).limits,
}

func (n *node) info(json.RawMessage) (any, error) {
	addrs, err := peer.AddrInfoToP2pAddrs(host.InfoFromHost(n.host))
	if err != nil {
		return nil, err
	}

	return map[string]any{"peer": n.host.ID(), "addresses": addrs, "versions": versions()}, nil
}

type target struct {
	// Address ends with a peer id.
	Address string `json:"address"`

	// Count is how many nodes dial it.
	Count int `json:"count"`
}

// dial connects to a peer, and does not wait until that has told who it is.
func (n *node) dial(args json.RawMessage) (any, error) {
	info, _, err := parse(args)
	if err != nil {
		return nil, err
	}

	return nil, connect(n.host, *info)
}

// dialMany has so many nodes of their own dial an address, one after the other,
// and says how many of them have a connection when all have dialled.
func (n *node) dialMany(args json.RawMessage) (any, error) {
	info, count, err := parse(args)
	if err != nil {
		return nil, err
	}

	hosts := make([]host.Host, 0, count)
	defer func() {
		for _, h := range hosts {
			_ = h.Close()
		}
	}()

	connected := 0

	for range count {
		h, err := libp2p.New(libp2p.NoListenAddrs, libp2p.DisableMetrics())
		if err != nil {
			return nil, err
		}

		hosts = append(hosts, h)

		if err := connect(h, *info); err != nil {
			continue
		}

		// who is refused after the handshake only hears of it when he asks
		if pingOnce(h, info.ID) == nil {
			connected++
		}
	}

	return map[string]int{"connected": connected}, nil
}

type peerArgs struct {
	Peer peer.ID `json:"peer"`
}

func (n *node) ping(args json.RawMessage) (any, error) {
	var who peerArgs
	if err := json.Unmarshal(args, &who); err != nil {
		return nil, err
	}

	return nil, pingOnce(n.host, who.Peer)
}

func (n *node) connections(args json.RawMessage) (any, error) {
	var who peerArgs
	if err := json.Unmarshal(args, &who); err != nil {
		return nil, err
	}

	result := []connection{}
	for _, c := range n.host.Network().ConnsToPeer(who.Peer) {
		result = append(result, describe(c))
	}

	return result, nil
}

func parse(args json.RawMessage) (*peer.AddrInfo, int, error) {
	var to target
	if err := json.Unmarshal(args, &to); err != nil {
		return nil, 0, err
	}

	info, err := peer.AddrInfoFromString(to.Address)
	if err != nil {
		return nil, 0, fmt.Errorf("address %q: %w", to.Address, err)
	}

	return info, to.Count, nil
}

func connect(h host.Host, info peer.AddrInfo) error {
	ctx, cancel := context.WithTimeout(network.WithAllowLimitedConn(context.Background(), "interop"), timeout)
	defer cancel()

	// otherwise a dial that failed keeps the next one from being tried
	if s, ok := h.Network().(*swarm.Swarm); ok {
		s.Backoff().Clear(info.ID)
	}

	return h.Connect(ctx, info)
}

func pingOnce(h host.Host, to peer.ID) error {
	ctx, cancel := context.WithTimeout(network.WithAllowLimitedConn(context.Background(), "interop"), timeout)
	defer cancel()

	select {
	case result, ok := <-ping.Ping(ctx, h, to):
		if !ok {
			return errors.New("no answer to a ping")
		}

		return result.Error
	case <-ctx.Done():
		return ctx.Err()
	}
}
