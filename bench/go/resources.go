package main

import (
	"fmt"
	"runtime"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/x/rate"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	peerCount     = 10_000
	protocolCount = 20
)

// resources is a busy resource manager: every peer has a connection.
type resources struct {
	network.ResourceManager

	endpoint  ma.Multiaddr
	connected []peer.ID
	others    []peer.ID
	protocols []protocol.ID
}

// newResources leaves out what has no counterpart on the other side, or is
// measured elsewhere there: metrics, and limits by IP address.
func newResources() (*resources, error) {
	limits := rcmgr.DefaultLimits
	limits.SystemBaseLimit = roomFor(1_000_000)
	limiter := rcmgr.NewFixedLimiter(limits.Scale(8<<30, 16_384))

	manager, err := rcmgr.NewResourceManager(limiter, rcmgr.WithMetricsDisabled(), rcmgr.WithConnRateLimiters(&rate.Limiter{}))
	if err != nil {
		return nil, err
	}

	r := &resources{
		ResourceManager: manager,
		// has no IP address, so that none is looked up
		endpoint:  ma.StringCast("/memory/1"),
		connected: newPeers(peerCount),
		others:    newPeers(peerCount),
		protocols: make([]protocol.ID, protocolCount),
	}

	for i := range r.protocols {
		r.protocols[i] = protocol.ID(fmt.Sprintf("/app/%d/1.0.0", i))
	}

	for _, p := range r.connected {
		scope, err := r.OpenConnection(network.DirOutbound, false, r.endpoint)
		if err != nil {
			return nil, err
		}

		if err := scope.SetPeer(p); err != nil {
			return nil, err
		}
	}

	return r, nil
}

func (r *resources) close() {
	_ = r.Close()
}

// connection reserves an inbound connection, learns whose it is, and gives it
// back.
func (r *resources) connection(req request) (float64, error) {
	runtime.GC()
	start := time.Now()

	for i := range req.Args.Count {
		scope, err := r.OpenConnection(network.DirInbound, true, r.endpoint)
		if err != nil {
			return 0, err
		}

		if err := scope.SetPeer(r.others[i%peerCount]); err != nil {
			return 0, err
		}

		scope.Done()
	}

	return perOperation(start, req.Args.Count), nil
}

// stream reserves an inbound stream, learns its protocol, and gives it back.
func (r *resources) stream(req request) (float64, error) {
	runtime.GC()
	start := time.Now()

	for i := range req.Args.Count {
		scope, err := r.OpenStream(r.connected[i%peerCount], network.DirInbound)
		if err != nil {
			return 0, err
		}

		if err := scope.SetProtocol(r.protocols[i%protocolCount]); err != nil {
			return 0, err
		}

		scope.Done()
	}

	return perOperation(start, req.Args.Count), nil
}

func roomFor(count int) rcmgr.BaseLimit {
	return rcmgr.BaseLimit{
		Conns:           count,
		ConnsInbound:    count,
		ConnsOutbound:   count,
		Streams:         count,
		StreamsInbound:  count,
		StreamsOutbound: count,
		FD:              count,
		Memory:          16 << 30,
	}
}
