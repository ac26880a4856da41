package main

import (
	"bytes"
	"fmt"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/protocol/autonatv2"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	ma "github.com/multiformats/go-multiaddr"
)

// options say how the node is made.
type options struct {
	Listen []string `json:"listen"`

	// Relay lets the node relay for others.
	Relay bool `json:"relay"`

	// AutoNAT lets the node verify the addresses of others.
	AutoNAT bool `json:"autonat"`

	// Limits is a limit file, whose limits the node holds.
	Limits string `json:"limits"`
}

type node struct {
	host    host.Host
	closers []func()
}

// newNode starts a node, which tells emit of what happens to it.
func newNode(opts options, emit func(string, any)) (*node, error) {
	resources, err := newResourceManager(opts.Limits)
	if err != nil {
		return nil, err
	}

	h, err := libp2p.New(
		libp2p.ListenAddrStrings(opts.Listen...),
		libp2p.ResourceManager(resources),
		libp2p.DisableMetrics(),
	)
	if err != nil {
		return nil, err
	}

	n := &node{host: h}
	n.closers = append(n.closers, func() { _ = h.Close() })

	h.Network().Notify(&network.NotifyBundle{
		ConnectedF:    func(_ network.Network, c network.Conn) { emit("connected", describe(c)) },
		DisconnectedF: func(_ network.Network, c network.Conn) { emit("disconnected", describe(c)) },
	})

	if opts.Relay {
		if err := n.startRelay(); err != nil {
			n.close()
			return nil, err
		}
	}

	if opts.AutoNAT {
		if err := n.startAutoNAT(emit); err != nil {
			n.close()
			return nil, err
		}
	}

	return n, nil
}

// startRelay lets the node relay at once, and not only when it knows that it is
// public, which no node of a test is.
func (n *node) startRelay() error {
	everyAddress := func(ma.Multiaddr) bool { return true }

	r, err := relay.New(n.host, relay.WithReservationAddressFilter(everyAddress))
	if err != nil {
		return err
	}

	n.closers = append(n.closers, func() { _ = r.Close() })

	return nil
}

// startAutoNAT lets the node dial back from another identity, as libp2p would,
// and tell what came of it.
func (n *node) startAutoNAT(emit func(string, any)) error {
	dialer, err := libp2p.New(libp2p.NoListenAddrs, libp2p.DisableMetrics())
	if err != nil {
		return err
	}

	// it closes the dialer
	nat, err := autonatv2.New(dialer, autonatv2.WithMetricsTracer(tracer(emit)))
	if err != nil {
		_ = dialer.Close()
		return err
	}

	if err := nat.Start(n.host); err != nil {
		return err
	}

	n.closers = append(n.closers, nat.Close)

	return nil
}

func (n *node) close() {
	// the last one first
	for i := len(n.closers) - 1; i >= 0; i-- {
		n.closers[i]()
	}
}

// newResourceManager holds the limits of the file, and no others.
func newResourceManager(file string) (network.ResourceManager, error) {
	limiter := rcmgr.NewFixedLimiter(rcmgr.InfiniteLimits)

	if file != "" {
		var err error

		limiter, err = rcmgr.NewLimiterFromJSON(bytes.NewBufferString(file), rcmgr.InfiniteLimits)
		if err != nil {
			return nil, fmt.Errorf("limit file: %w", err)
		}
	}

	return rcmgr.NewResourceManager(limiter, rcmgr.WithMetricsDisabled())
}

// tracer tells of every address that was dialled back.
type tracer func(string, any)

func (t tracer) CompletedRequest(e autonatv2.EventDialRequestCompleted) {
	detail := map[string]any{
		"response": e.ResponseStatus.String(),
		"dial":     e.DialStatus.String(),
		"dialData": e.DialDataRequired,
	}

	if e.DialedAddr != nil {
		detail["addr"] = e.DialedAddr.String()
	}

	t("dialled-back", detail)
}

func (t tracer) ClientCompletedRequest([]autonatv2.Request, autonatv2.Result, error) {}

type connection struct {
	Peer      string `json:"peer"`
	Addr      string `json:"addr"`
	Direction string `json:"direction"`
	Limited   bool   `json:"limited"`
}

func describe(c network.Conn) connection {
	stat := c.Stat()

	return connection{
		Peer:      c.RemotePeer().String(),
		Addr:      c.RemoteMultiaddr().String(),
		Direction: stat.Direction.String(),
		Limited:   stat.Limited,
	}
}
