package main

import (
	"context"
	"runtime"
	"time"

	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
)

const tag = "bench"

// managers are connection managers by how many connections they have open.
type managers map[int]*manager

type manager struct {
	*connmgr.BasicConnMgr
	opened int
}

func newManagers() managers {
	return managers{}
}

func (m managers) close() {
	for _, manager := range m {
		_ = manager.Close()
	}
}

// with returns a manager that has so many connections open, of which a trim
// closes a tenth. None is trimmed before it is asked to.
func (m managers) with(connections int) (*manager, error) {
	mgr, ok := m[connections]

	if !ok {
		basic, err := connmgr.NewConnManager(connections-connections/10, connections*10, connmgr.WithGracePeriod(0))
		if err != nil {
			return nil, err
		}

		mgr = &manager{BasicConnMgr: basic}
		m[connections] = mgr
	}

	mgr.fill(connections)

	return mgr, nil
}

func (m *manager) fill(connections int) {
	notifee := m.Notifee()

	for _, c := range newConns(notifee, connections-m.GetInfo().ConnCount) {
		m.TagPeer(c.remote, tag, valueOf(m.opened))
		notifee.Connected(nil, c)
		m.opened++
	}
}

// lifecycle connects a peer, tags it, takes the tag away and disconnects it.
func (m managers) lifecycle(req request) (float64, error) {
	mgr, err := m.with(req.Args.Connections)
	if err != nil {
		return 0, err
	}

	notifee := mgr.Notifee()
	conns := newConns(notifee, req.Args.Count)
	runtime.GC()
	start := time.Now()

	for _, c := range conns {
		notifee.Connected(nil, c)
		mgr.TagPeer(c.remote, tag, 5)
		mgr.UntagPeer(c.remote, tag)
		_ = c.Close()
	}

	return perOperation(start, req.Args.Count), nil
}

// trim chooses and closes the least valuable tenth of the connections.
func (m managers) trim(req request) (float64, error) {
	n := req.Args.Connections

	mgr, err := m.with(n)
	if err != nil {
		return 0, err
	}

	runtime.GC()
	start := time.Now()
	mgr.TrimOpenConns(context.Background())
	micros := perOperation(start, 1)

	if left := mgr.GetInfo().ConnCount; left != n-n/10 {
		return 0, wrongCount("connections after the trim", left, n-n/10)
	}

	return micros, nil
}

func perOperation(start time.Time, count int) float64 {
	return float64(time.Since(start).Nanoseconds()) / 1_000 / float64(count)
}
