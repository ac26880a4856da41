package main

import (
	"crypto/rand"
	"fmt"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// conn is a connection without a network.
type conn struct {
	// what the managers do not ask for
	network.Conn

	remote    peer.ID
	direction network.Direction
	notifee   network.Notifiee
}

func (c *conn) RemotePeer() peer.ID {
	return c.remote
}

func (c *conn) RemoteMultiaddr() ma.Multiaddr {
	return nil
}

func (c *conn) Stat() network.ConnStats {
	return network.ConnStats{Stats: network.Stats{Direction: c.direction}}
}

func (c *conn) Close() error {
	return c.CloseWithError(0)
}

// CloseWithError does what remains of a swarm that closes a connection: it tells
// the connection manager.
func (c *conn) CloseWithError(network.ConnErrorCode) error {
	c.notifee.Disconnected(nil, c)

	return nil
}

// newConns returns connections to peers that are not known yet. Every fourth is
// outbound, as on the other side.
func newConns(notifee network.Notifiee, count int) []*conn {
	conns := make([]*conn, count)

	for i := range conns {
		conns[i] = &conn{remote: newPeer(), direction: directionOf(i), notifee: notifee}
	}

	return conns
}

func directionOf(i int) network.Direction {
	if i%4 == 0 {
		return network.DirOutbound
	}

	return network.DirInbound
}

// newPeer returns the id of a random Ed25519 key, which nobody has the private
// key of.
func newPeer() peer.ID {
	id := [38]byte{0x00, 36, 0x08, 0x01, 0x12, 32}

	// it never fails
	_, _ = rand.Read(id[6:])

	return peer.ID(id[:])
}

func newPeers(count int) []peer.ID {
	peers := make([]peer.ID, count)

	for i := range peers {
		peers[i] = newPeer()
	}

	return peers
}

// valueOf is what the i-th peer is worth, the same on both sides.
func valueOf(i int) int {
	return int(uint32(i)*2_654_435_761) % 100
}

func wrongCount(what string, got, want int) error {
	return fmt.Errorf("%s: %d instead of %d", what, got, want)
}
