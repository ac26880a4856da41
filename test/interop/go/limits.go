package main

import (
	"encoding/json"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/x/rate"
	ma "github.com/multiformats/go-multiaddr"
)

type limitsArgs struct {
	// File is the content of a limit file.
	File string `json:"file"`

	// Attempts are what is asked of a resource manager with its limits.
	Attempts []attempt `json:"attempts"`
}

// attempt asks for connections, or for streams if it has a protocol, until one is
// refused or Count are open. What it got stays open.
type attempt struct {
	Peer     peer.ID     `json:"peer"`
	Protocol protocol.ID `json:"protocol"`
	Outbound bool        `json:"outbound"`
	Count    int         `json:"count"`
}

func (a attempt) direction() network.Direction {
	if a.Outbound {
		return network.DirOutbound
	}

	return network.DirInbound
}

// limits says how go-libp2p writes the limits of a file, and how many of each
// attempt they let pass.
func (n *node) limits(args json.RawMessage) (any, error) {
	var in limitsArgs
	if err := json.Unmarshal(args, &in); err != nil {
		return nil, err
	}

	var file rcmgr.PartialLimitConfig
	if err := json.Unmarshal([]byte(in.File), &file); err != nil {
		return nil, err
	}

	limiter := rcmgr.NewFixedLimiter(file.Build(rcmgr.InfiniteLimits))

	// only the limits of the file are to refuse anything
	manager, err := rcmgr.NewResourceManager(limiter, rcmgr.WithMetricsDisabled(), rcmgr.WithConnRateLimiters(&rate.Limiter{}))
	if err != nil {
		return nil, err
	}
	defer func() { _ = manager.Close() }()

	granted := make([]int, len(in.Attempts))
	for i, a := range in.Attempts {
		for granted[i] < a.Count && a.open(manager) == nil {
			granted[i]++
		}
	}

	return map[string]any{"file": &file, "granted": granted}, nil
}

func (a attempt) open(manager network.ResourceManager) error {
	if a.Protocol != "" {
		return a.openStream(manager)
	}

	// has no IP address, of which there may be only so many
	scope, err := manager.OpenConnection(a.direction(), true, ma.StringCast("/memory/1"))
	if err != nil {
		return err
	}

	if err := scope.SetPeer(a.Peer); err != nil {
		scope.Done()
		return err
	}

	return nil
}

func (a attempt) openStream(manager network.ResourceManager) error {
	scope, err := manager.OpenStream(a.Peer, a.direction())
	if err != nil {
		return err
	}

	if err := scope.SetProtocol(a.Protocol); err != nil {
		scope.Done()
		return err
	}

	return nil
}
